# 32-bit PowerPC, big-endian.
set(triple powerpc-linux-gnu)
set(cpu ppc)
set(qemu qemu-ppc)
include(${CMAKE_CURRENT_LIST_DIR}/foreign.cmake)
