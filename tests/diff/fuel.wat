;; Loops, calls, branches and what they leave: wherever the fuel ends, the same must have happened.
(module
  (memory (export "memory") 1 3)
  (global $sum (export "sum") (mut i64) (i64.const 0))
  (table (export "table") 4 funcref)
  (elem (i32.const 0) $step $even $odd)
  (elem $more func $fib)
  (type $binary (func (param i32 i64) (result i64)))

  (func $step (type $binary)
    (i64.store (i32.and (i32.mul (local.get 0) (i32.const 8)) (i32.const 0xfff8)) (local.get 1))
    (global.set $sum (i64.add (global.get $sum) (local.get 1)))
    (i64.add (local.get 1) (i64.const 3)))

  (func $even (type $binary)
    (if (result i64) (i32.eqz (local.get 0))
      (then (local.get 1))
      (else (call $odd (i32.sub (local.get 0) (i32.const 1)) (i64.add (local.get 1) (i64.const 1))))))
  (func $odd (type $binary)
    (if (result i64) (i32.eqz (local.get 0))
      (then (i64.sub (i64.const 0) (local.get 1)))
      (else (call $even (i32.sub (local.get 0) (i32.const 1)) (i64.mul (local.get 1) (i64.const 3))))))

  (func $fib (export "fib") (param i32) (result i32)
    (if (result i32) (i32.lt_u (local.get 0) (i32.const 2))
      (then (local.get 0))
      (else (i32.add (call $fib (i32.sub (local.get 0) (i32.const 1)))
                     (call $fib (i32.sub (local.get 0) (i32.const 2)))))))

  (func (export "work") (result i64) (local $i i32) (local $x i64)
    (local.set $x (i64.const 7))
    (loop $again
      (local.set $x
        (call_indirect (type $binary) (local.get $i) (local.get $x) (i32.rem_u (local.get $i) (i32.const 3))))
      (block $three (block $two (block $one
        (br_table $one $two $three (i32.and (local.get $i) (i32.const 3))))
        (i32.store8 (i32.add (i32.const 512) (local.get $i)) (i32.wrap_i64 (local.get $x)))
        (br $three))
        (global.set $sum (i64.xor (global.get $sum) (local.get $x))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get $i) (i32.const 12))))
    (local.get $x))

  (func (export "bulk") (result i32)
    (memory.fill (i32.const 256) (i32.const 0xa5) (i32.const 64))
    (memory.copy (i32.const 300) (i32.const 250) (i32.const 60))
    (table.init $more (i32.const 3) (i32.const 0) (i32.const 1))
    (drop (memory.grow (i32.const 1)))
    (i32.store (i32.const 65536) (i32.const 1))
    (drop (memory.grow (i32.const 2)))
    (i32.add (memory.size) (table.size 0)))

  (func (export "endless")
    (loop $again
      (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1)))
      (br $again))))
