(module (@name "a \22b") (@custom "x" (before func) "1" "2") (@other (any "thing") ;; here
 )
 (func $"q\u{e9}" (@name "n") (param $p i32) (param (@name "") i32)
  (@metadata.code.branch_hint "\01") (if (local.get $p) (then)))
 (@custom "y" (after last)) (;(; nested ;);))
