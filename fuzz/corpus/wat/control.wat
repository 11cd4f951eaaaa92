(module $m
  (type $t (func (param i32) (result i32)))
  (func $f (type $t) (param $x i32) (result i32) (local $l i64)
    block $a (result i32)
      loop $b
        local.get $x
        br_if $b
        (br_table $a $b 1 (local.get 0) (i32.const 0x1_0))
      end $b
      i32.const -1
    end
    (if $i (result i32) (local.get 0) (then (br $i (i32.const 1))) (else unreachable))
    i32.add
    (select (result i32) (i32.const 1) (i32.const 2))
    return)
  (start 1)
  (func (drop (call $f (i32.const 1))) (return)))
