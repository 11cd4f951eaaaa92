(tag $e (import "m" "e") (param i32)) (tag (export "t"))
(func (block $h (result i32) (try_table (catch $e $h) (catch_all 1) (throw $e (i32.const 1))) unreachable) drop
  (try $t (do (throw 1)) (catch $e drop (rethrow $t)) (catch_all)) try delegate 0
  (try (do nop) (delegate 0)))
