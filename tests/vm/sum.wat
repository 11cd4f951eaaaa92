;; What tests/vm/run.c expects: "sum" adds the numbers below its argument that memory holds, "fail" traps.
(module
  (memory (export "memory") 1)
  (data (i32.const 0) "\01\02\03\04\05\06\07\08\09\0a\0b\0c\0d\0e\0f\10\11\12\13\14")
  (func (export "sum") (param $n i32) (result i32)
    (local $at i32) (local $sum i32)
    (loop $next
      (if (i32.lt_u (local.get $at) (local.get $n))
        (then
          (local.set $sum (i32.add (local.get $sum) (i32.load8_u (local.get $at))))
          (local.set $at (i32.add (local.get $at) (i32.const 1)))
          (br $next))))
    (local.get $sum))
  (func (export "fail") (param i32) (result i32)
    (i32.div_u (i32.const 1) (local.get 0))))
