# Everything that is built to test or measure Davit, and its registration with ctest.
#
# Tests run in the root of the source tree. Programs lie in tests/, fuzz/, examples/ and bench/ of the
# build tree. Labels: unit, clif, example, fuzz.

set(davit_test_dir ${PROJECT_SOURCE_DIR})

function(davit_test name label)
    add_test(NAME ${name} COMMAND ${ARGN} WORKING_DIRECTORY ${davit_test_dir})
    set_tests_properties(${name} PROPERTIES LABELS ${label})
endfunction()

# libFuzzer targets. Their build holds nothing else: its instrumentation serves no other program.
file(GLOB fuzz_sources CONFIGURE_DEPENDS fuzz/fuzz_*.c)
foreach(source ${fuzz_sources})
    cmake_path(GET source STEM name)
    string(REPLACE "fuzz_" "" part ${name})
    set(driver fuzz/driver.c)
    if(DAVIT_FUZZ)
        set(driver "")
    endif()
    davit_program(${name} ${source} ${driver})
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY fuzz)
    if(DAVIT_FUZZ)
        target_link_options(${name} PRIVATE -fsanitize=fuzzer)
    endif()
    set(corpus ${PROJECT_SOURCE_DIR}/fuzz/corpus/${part})
    if(IS_DIRECTORY ${corpus})
        if(DAVIT_FUZZ)
            davit_test(${name} fuzz ${name} -runs=0 ${corpus})
        else()
            davit_test(${name} fuzz ${name} ${corpus})
        endif()
    endif()
endforeach()
if(DAVIT_FUZZ)
    return()
endif()

# Unit tests. cmocka exists for the native architecture only: on foreign hosts the self-test and the
# self-describing files carry the proof.
find_path(CMOCKA_INCLUDE cmocka.h)
find_library(CMOCKA_LIBRARY cmocka)
if(CMAKE_CROSSCOMPILING)
    message(STATUS "Unit tests: skipped, cmocka is not there for this architecture")
elseif(NOT CMOCKA_INCLUDE OR NOT CMOCKA_LIBRARY)
    message(WARNING "Unit tests are skipped: cmocka was not found")
else()
    file(GLOB unit_sources CONFIGURE_DEPENDS tests/unit/test_*.c)
    foreach(source ${unit_sources})
        cmake_path(GET source STEM name)
        davit_program(${name} ${source})
        set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY tests)
        target_include_directories(${name} PRIVATE ${CMOCKA_INCLUDE})
        target_link_libraries(${name} PRIVATE davit_tools ${CMOCKA_LIBRARY})
        davit_test(${name} unit ${name})
    endforeach()
endif()

# Examples: what a user would write, so they see include/ alone.
file(GLOB example_sources CONFIGURE_DEPENDS examples/*.c)
foreach(source ${example_sources})
    cmake_path(GET source STEM stem)
    set(name example_${stem})
    add_executable(${name} ${source})
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY examples OUTPUT_NAME ${stem})
    target_link_libraries(${name} PRIVATE davit_static)
    davit_test(${name} example ${name})
endforeach()

file(GLOB bench_sources CONFIGURE_DEPENDS bench/*.c)
foreach(source ${bench_sources})
    cmake_path(GET source STEM stem)
    davit_program(bench_${stem} ${source})
    set_target_properties(bench_${stem} PROPERTIES RUNTIME_OUTPUT_DIRECTORY bench OUTPUT_NAME ${stem})
endforeach()

# The command: table walks, containers and byte access checked from inside; the self-describing files.
if(TARGET davit)
    davit_test(selftest clif davit selftest)
    if(IS_DIRECTORY ${PROJECT_SOURCE_DIR}/tests/clif)
        # The same programs in every data layout; files with addresses of the other width are skips.
        foreach(layout eval32 eval32be eval64 eval64be)
            davit_test(clif_${layout} clif davit test --target ${layout} -j 2 tests/clif)
        endforeach()
        davit_test(clif clif davit test --exact --skips tests/clif.skips -j 2 tests/clif)
    endif()
endif()
