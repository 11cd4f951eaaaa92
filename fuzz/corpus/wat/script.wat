(module definition $m binary "\00asm" "\01\00\00\00") (module instance $i $m) (register "x" $i)
(module quote "(func (export \"f\") (result i32) i32.const 1)")
(assert_return (invoke "f" (i32.const 1) (ref.null any) (ref.extern 1)) (either (f32.const nan:canonical) (ref.func)))
(assert_malformed (module quote "(func (x))") "unknown operator") (thread $T (shared (module $i)) (get "g")) (wait $T)
