# Everything that is built to test or measure Davit, and its registration with ctest.
#
# Tests run in the root of the source tree. Programs lie in tests/, fuzz/, examples/ and bench/ of the
# build tree. Labels: unit, clif, isle, example, fuzz.

set(davit_test_dir ${PROJECT_SOURCE_DIR})

function(davit_test name label)
    add_test(NAME ${name} COMMAND ${ARGN} WORKING_DIRECTORY ${davit_test_dir})
    set_tests_properties(${name} PROPERTIES LABELS ${label})
endfunction()

# What unit tests share: tests/unit/*_testing.c. Fuzz targets use generators from there.
file(GLOB testing_sources CONFIGURE_DEPENDS tests/unit/*_testing.c)
add_library(davit_testing STATIC EXCLUDE_FROM_ALL ${testing_sources})
davit_internal(davit_testing)

# libFuzzer targets. Their build holds nothing else: its instrumentation serves no other program. What
# targets share lies beside them; mutate_clif.c and mutate_wasm.c need libFuzzer and serve those that read CLIF text
# and run modules.
file(GLOB fuzz_sources CONFIGURE_DEPENDS fuzz/fuzz_*.c)
file(GLOB fuzz_shared CONFIGURE_DEPENDS fuzz/*.c)
list(REMOVE_ITEM fuzz_shared ${fuzz_sources} ${PROJECT_SOURCE_DIR}/fuzz/driver.c
    ${PROJECT_SOURCE_DIR}/fuzz/mutate_clif.c ${PROJECT_SOURCE_DIR}/fuzz/mutate_wasm.c)
set(fuzz_clif_text fuzz_clif_parse fuzz_clif_eval)
set(fuzz_wasm_modules fuzz_wasm_run)
if(fuzz_shared)
    add_library(davit_fuzz STATIC ${fuzz_shared})
    target_include_directories(davit_fuzz PRIVATE ${PROJECT_SOURCE_DIR})
    target_link_libraries(davit_fuzz PUBLIC davit_tools davit_static) # tools/gen.h
endif()
foreach(source ${fuzz_sources})
    cmake_path(GET source STEM name)
    string(REPLACE "fuzz_" "" part ${name})
    set(driver fuzz/driver.c)
    if(DAVIT_FUZZ)
        set(driver "")
        if(name IN_LIST fuzz_clif_text)
            set(driver fuzz/mutate_clif.c)
        elseif(name IN_LIST fuzz_wasm_modules)
            set(driver fuzz/mutate_wasm.c)
        endif()
    endif()
    davit_program(${name} ${source} ${driver})
    target_link_libraries(${name} PRIVATE davit_isle davit_testing)
    if(TARGET davit_fuzz)
        target_link_libraries(${name} PRIVATE davit_fuzz)
    endif()
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
    # One with a bug planted in the lexer, of which it has a copy: tests/checks/planted_bug.sh.
    davit_program(fuzz_planted fuzz/fuzz_clif_parse.c fuzz/mutate_clif.c codegen/ir/lex.c)
    target_compile_definitions(fuzz_planted PRIVATE DAVIT_PLANT_BUG)
    target_link_libraries(fuzz_planted PRIVATE davit_isle davit_testing davit_fuzz)
    target_link_options(fuzz_planted PRIVATE -fsanitize=fuzzer)
    set_target_properties(fuzz_planted PROPERTIES RUNTIME_OUTPUT_DIRECTORY planted EXCLUDE_FROM_ALL ON)
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
        target_link_libraries(${name} PRIVATE davit_testing davit_tools davit_isle
            ${CMOCKA_LIBRARY})
        davit_test(${name} unit ${name})
    endforeach()
    # These count which rules are taken: copies of what holds them, compiled so.
    target_sources(test_pulley_rules PRIVATE codegen/isa/pulley/lower.c codegen/isa/pulley/help.c
        ${isle_dir}/pulley_lowering.c)
    target_compile_definitions(test_pulley_rules PRIVATE DAVIT_RULE_HITS)
    target_include_directories(test_pulley_rules PRIVATE ${isle_dir})
    target_sources(test_x64_rules PRIVATE codegen/isa/x64/lower.c codegen/isa/x64/help.c
        ${isle_dir}/x64_lowering.c)
    target_compile_definitions(test_x64_rules PRIVATE DAVIT_RULE_HITS)
    target_include_directories(test_x64_rules PRIVATE ${isle_dir})
    target_sources(test_legalize PRIVATE codegen/opt/legalize.c codegen/opt/graph.c codegen/isa/common/help.c
        ${isle_dir}/expand_rules.c)
    target_compile_definitions(test_legalize PRIVATE DAVIT_RULE_HITS)
    target_include_directories(test_legalize PRIVATE ${isle_dir})
endif()

# The instructions of x86-64 against other assemblers.
davit_program(x64_listing tests/x64/listing.c)
set_target_properties(x64_listing PROPERTIES RUNTIME_OUTPUT_DIRECTORY tests)
if(NOT CMAKE_CROSSCOMPILING)
    davit_test(x64_encodings unit bash tests/x64/encodings $<TARGET_FILE:x64_listing>)
endif()

# Rules that are compiled, linked with a program that uses them, and run.
file(GLOB rule_sources CONFIGURE_DEPENDS tests/isle/run/*.isle)
foreach(source ${rule_sources})
    cmake_path(GET source STEM stem)
    set(types tests/isle/run/run.h)
    if(EXISTS ${PROJECT_SOURCE_DIR}/tests/isle/run/${stem}.h)
        set(types tests/isle/run/${stem}.h)
    endif()
    davit_rules(${stem}_rules tests/isle/run/${stem}.isle --prefix t --context Run --include ${types} --lines)
    davit_program(isle_${stem} tests/isle/run/${stem}.c ${isle_dir}/${stem}_rules.c)
    target_include_directories(isle_${stem} PRIVATE ${isle_dir})
    target_compile_definitions(isle_${stem} PRIVATE DAVIT_RULE_HITS)
    set_target_properties(isle_${stem} PROPERTIES RUNTIME_OUTPUT_DIRECTORY tests)
    davit_test(isle_${stem} isle isle_${stem})
endforeach()

# Every operation on every type has a rule, an expansion, or a reason why not.
file(GLOB complete_rules RELATIVE ${PROJECT_SOURCE_DIR} CONFIGURE_DEPENDS codegen/isa/common/*.isle codegen/isa/pulley/rules/*.isle)
davit_test(rules_pulley isle islec ${complete_rules} --complete lower --check)

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

# The C API of Wasm, used as a stranger would: include/ alone. Those named threads_* are what the ThreadSanitizer is for.
file(GLOB capi_sources CONFIGURE_DEPENDS tests/capi/*.c)
foreach(source ${capi_sources})
    cmake_path(GET source STEM stem)
    add_executable(capi_${stem} ${source})
    set_target_properties(capi_${stem} PROPERTIES RUNTIME_OUTPUT_DIRECTORY capi OUTPUT_NAME ${stem})
    target_link_libraries(capi_${stem} PRIVATE davit_static)
    if(NOT (CMAKE_CROSSCOMPILING AND stem STREQUAL forked)) # qemu-user does not fork programs that have threads
        davit_test(capi_${stem} capi capi_${stem})
    endif()
endforeach()

# The half of the library that only runs artifacts, by itself.
add_executable(vm_run tests/vm/run.c)
target_link_libraries(vm_run PRIVATE davit_vm)
if(TARGET davit)
    davit_test(vm_compile capi davit compile tests/vm/sum.wat -o ${PROJECT_BINARY_DIR}/sum.dvt)
    davit_test(vm_run capi vm_run ${PROJECT_BINARY_DIR}/sum.dvt)
    set_tests_properties(vm_compile PROPERTIES FIXTURES_SETUP vm_artifact)
    set_tests_properties(vm_run PROPERTIES FIXTURES_REQUIRED vm_artifact)
endif()

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
        # Compiled to bytecode and interpreted; code with addresses runs on hosts of its width and byte order.
        foreach(layout 32 64 32be 64be)
            davit_test(clif_pulley${layout} clif davit test --target pulley${layout} -j 2 tests/clif)
        endforeach()
        # Natively, what of it is there.
        if(CMAKE_SYSTEM_PROCESSOR STREQUAL x86_64 AND CMAKE_SIZEOF_VOID_P EQUAL 8 AND NOT DAVIT_NO_EXTENSIONS)
            davit_test(clif_x86_64 clif davit test --target x86_64 -j 2 tests/clif)
        endif()
        if(CMAKE_SYSTEM_NAME STREQUAL Linux AND CMAKE_SYSTEM_PROCESSOR STREQUAL x86_64
            AND CMAKE_SIZEOF_VOID_P EQUAL 8)
            add_executable(objects_make tests/objects/make.c)
            set_target_properties(objects_make PROPERTIES RUNTIME_OUTPUT_DIRECTORY tests)
            target_link_libraries(objects_make PRIVATE davit_static)
            davit_test(objects clif bash tests/objects/run $<TARGET_FILE:davit> $<TARGET_FILE:objects_make>)
            if(NOT DAVIT_NO_EXTENSIONS) # nothing tells unwinders there
                set(unwind_flags)
                if(DAVIT_SANITIZE)
                    list(APPEND unwind_flags -fsanitize=${DAVIT_SANITIZE})
                endif()
                if(DAVIT_COVERAGE)
                    list(APPEND unwind_flags -fprofile-instr-generate)
                endif()
                davit_test(unwind clif bash tests/objects/unwind ${CMAKE_C_COMPILER} $<TARGET_FILE:davit_static>
                    ${unwind_flags})
            endif()
            davit_test(gdb clif bash tests/objects/gdb ${PROJECT_BINARY_DIR}/examples $<TARGET_FILE:davit>)
        endif()
        davit_test(clif_kernels clif davit test --exact -j 2 bench/kernels)
    endif()
    if(IS_DIRECTORY ${PROJECT_SOURCE_DIR}/tests/wast)
        davit_test(wast clif davit wast -j 2 tests/wast)
        davit_test(wast_fast clif davit wast --fast -j 2 tests/wast)
    endif()
endif()

# Times are measured without sanitizers.
set(bench_of_all "")
if(DAVIT_SANITIZE)
    set(bench_of_all EXCLUDE_FROM_ALL ON)
endif()

# The rule compiler's benchmark: rules written by a program, compiled, linked in.
davit_program(isle_gen bench/isle/gen.c)
davit_program(bench_isle bench/isle/bench.c ${isle_dir}/rules_500.c ${isle_dir}/rules_5000.c)
foreach(count 500 5000)
    add_custom_command(OUTPUT ${isle_dir}/rules_${count}.isle
        COMMAND isle_gen ${count} ${isle_dir}/rules_${count}.isle DEPENDS isle_gen VERBATIM)
    davit_rules(rules_${count} ${isle_dir}/rules_${count}.isle
        --prefix b${count} --context Bench --include bench/isle/bench.h)
endforeach()
set_target_properties(bench_isle PROPERTIES RUNTIME_OUTPUT_DIRECTORY bench OUTPUT_NAME isle ${bench_of_all})
target_include_directories(bench_isle PRIVATE ${isle_dir})
target_link_libraries(bench_isle PRIVATE davit_isle)

# The dispatch benchmark. The loop is compiled as the library's, with a counting twin; the C programs that bytecode
# is compared with are gcc's work, whatever compiles the rest.
file(GLOB kernel_sources CONFIGURE_DEPENDS bench/kernels/*.c)
find_program(DAVIT_NATIVE_CC NAMES gcc-12 gcc)
set(kernels ${kernel_sources})
set_source_files_properties(${kernel_sources} PROPERTIES COMPILE_OPTIONS "-O2;-falign-functions=64")
if(CMAKE_C_COMPILER_ID MATCHES Clang AND DAVIT_NATIVE_CC AND NOT CMAKE_CROSSCOMPILING)
    set(kernels)
    file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/kernels)
    foreach(source ${kernel_sources})
        cmake_path(GET source STEM stem)
        set(object ${PROJECT_BINARY_DIR}/kernels/${stem}.o)
        add_custom_command(OUTPUT ${object}
            COMMAND ${DAVIT_NATIVE_CC} -std=c11 -O2 -falign-functions=64 -ffp-contract=off
                -I${PROJECT_SOURCE_DIR} -I${PROJECT_SOURCE_DIR}/include -c ${source} -o ${object}
            DEPENDS ${source} ${PROJECT_SOURCE_DIR}/bench/kernels/kernels.h VERBATIM)
        list(APPEND kernels ${object})
    endforeach()
    set_source_files_properties(${kernels} PROPERTIES EXTERNAL_OBJECT ON GENERATED ON)
endif()
file(GLOB dispatch_sources CONFIGURE_DEPENDS bench/dispatch/*.c)
davit_program(bench_dispatch ${dispatch_sources} ${kernels})
set_target_properties(bench_dispatch PROPERTIES RUNTIME_OUTPUT_DIRECTORY bench OUTPUT_NAME dispatch ${bench_of_all})
set_source_files_properties(bench/dispatch/switch.c bench/dispatch/count.c
    PROPERTIES COMPILE_OPTIONS "${dispatch_flags}")
