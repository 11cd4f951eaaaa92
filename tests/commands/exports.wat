(module
  (func $divide (export "div") (param i32 i32) (result i32)
    (i32.div_s (local.get 0) (local.get 1)))
  (func (export "deep") (call 1))
  (func (export "wide") (param i64) (result i64) (local.get 0))
  (func (export "refs") (param externref) (result externref) (local.get 0))
  (func (export "grow") (result i32) (memory.grow (i32.const 65535)))
  (memory (export "mem") 1))
