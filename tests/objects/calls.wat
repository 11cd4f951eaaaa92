;; calls.wat - a host function called from inside of two others: what debuggers are shown. davit run --engine native.
(module
  (import "wasi_snapshot_preview1" "sched_yield" (func $yield (result i32)))
  (memory (export "memory") 1)
  (func $inner (param i32) (result i32) (i32.add (local.get 0) (call $yield)))
  (func $outer (param i32) (result i32) (i32.add (local.get 0) (call $inner (local.get 0))))
  (func (export "_start") (drop (call $outer (i32.const 3)))))
