# Reads the log of a ctest run (LastTest.log), or the output of `davit test`, and prints
# "PASSED FAILED SKIPPED".
#
# A test counts by its cases where its output tells them: cmocka's summary, or a closing line
# "N passed, N failed, N skipped"; otherwise as one. A test that ctest calls failed (a crash, a leak)
# counts a failure whatever its output says. Between cmocka's first line and its last closing lines are of
# commands that its tests run.

function finish(verdict_failed) {
    if (verdict_failed && f == 0) {
        f = 1
    } else if (p + f + s == 0) {
        p = 1
    }
    total_p += p
    total_f += f
    total_s += s
    p = f = s = 0
    open = inside = 0
}

/^[0-9]+\/[0-9]+ Testing: / { open = 1; p = f = s = 0 }
/^\[==========\] Running / { inside = 1 }
/^\[==========\] [0-9]+ test.* run/ { inside = 0 }
/^\[  PASSED  \] [0-9]+ test/ { p += $4 }
/^\[  FAILED  \] [0-9]+ test/ { f += $4 }
/^\[  SKIPPED \] [0-9]+ test/ { s += $4 }
!inside && /^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$/ { p = $1; f = $3; s = $5 }
/^Test Passed\.$/ { finish(0) }
/^Test Failed\.$/ { finish(1) }

END {
    if (open) {
        finish(1) # the log ends inside a test
    } else if (p + f + s > 0) {
        finish(0) # not a ctest log
    }
    print total_p + 0, total_f + 0, total_s + 0
}
