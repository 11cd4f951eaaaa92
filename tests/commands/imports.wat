;; Imports that nobody gives unless lib.wat is linked; and code behind an import.
(module
  (import "lib" "g" (func $g (param i32) (result i32)))
  (func $twice (param i32) (result i32) (call $g (call $g (local.get 0))))
  (func (export "_start") (drop (call $twice (i32.const 1)))))
