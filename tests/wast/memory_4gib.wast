;; The largest 32-bit memories: all of 4 GiB, and as many one-byte pages as an i32 can tell. Hosts of 32 bits have no room for
;; them: growing fails there, and then each check says 1 as well.

(module
  (memory 0)
  (func $has (export "has") (param i32) (result i32) (memory.grow (local.get 0)))
  (func (export "grow_all") (result i32)
    (local $old i32)
    (local.set $old (memory.grow (i32.const 65536)))
    (i32.or (i32.eq (local.get $old) (i32.const -1)) (i32.eq (memory.size) (i32.const 65536))))
  (func (export "no_more") (result i32)
    (i32.or (i32.eqz (memory.size)) (i32.eq (memory.grow (i32.const 1)) (i32.const -1))))
  (func (export "last") (result i32)
    (if (i32.ne (memory.size) (i32.const 65536)) (then (return (i32.const 1))))
    (i32.store8 (i32.const -1) (i32.const 9))
    (i32.and
      (i32.eq (i32.load8_u (i32.const -1)) (i32.const 9))
      (i32.and
        (i64.eq (i64.load (i32.const -8)) (i64.const 0x0900000000000000))
        (i64.eq (i64.load offset=8 (i32.const -16)) (i64.const 0x0900000000000000)))))
  (func (export "ranges") (result i32)
    (if (i32.ne (memory.size) (i32.const 65536)) (then (return (i32.const 1))))
    (memory.fill (i32.const -1) (i32.const 7) (i32.const 1))
    (memory.copy (i32.const 0) (i32.const -1) (i32.const 1))
    (i32.eq (i32.load (i32.const 0)) (i32.const 7)))
  (func (export "l64") (param i32) (result i64) (i64.load (local.get 0)))
  (func (export "l64o8") (param i32) (result i64) (i64.load offset=8 (local.get 0)))
  (func (export "fill") (param i32 i32) (memory.fill (local.get 0) (i32.const 7) (local.get 1))))
(assert_return (invoke "has" (i32.const 65537)) (i32.const -1))
(assert_return (invoke "grow_all") (i32.const 1))
(assert_return (invoke "no_more") (i32.const 1))
(assert_return (invoke "last") (i32.const 1))
(assert_return (invoke "ranges") (i32.const 1))
(assert_trap (invoke "l64" (i32.const -7)) "out of bounds memory access")
(assert_trap (invoke "l64o8" (i32.const -8)) "out of bounds memory access")
(assert_trap (invoke "l64o8" (i32.const -15)) "out of bounds memory access")
(assert_trap (invoke "fill" (i32.const -1) (i32.const 2)) "out of bounds memory access")

;; 2^32 pages of one byte would be 0 as an i32
(module
  (memory 0 (pagesize 1))
  (func (export "most") (result i32)
    (local $old i32)
    (local.set $old (memory.grow (i32.const -1)))
    (if (i32.eqz (memory.size)) (then (return (i32.const 1))))
    (i32.and
      (i32.eq (memory.grow (i32.const 1)) (i32.const -1))
      (i32.and
        (i32.eq (memory.size) (i32.const -1))
        (i32.eqz (i32.load8_u (i32.const -2))))))
  (func (export "l8") (param i32) (result i32) (i32.load8_u (local.get 0))))
(assert_return (invoke "most") (i32.const 1))
(assert_trap (invoke "l8" (i32.const -1)) "out of bounds memory access")
