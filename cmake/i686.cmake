# 32-bit x86, little-endian.
set(triple i686-linux-gnu)
set(cpu i686)
set(qemu qemu-i386)
include(${CMAKE_CURRENT_LIST_DIR}/foreign.cmake)
