# 64-bit IBM Z, big-endian.
set(triple s390x-linux-gnu)
set(cpu s390x)
set(qemu qemu-s390x)
include(${CMAKE_CURRENT_LIST_DIR}/foreign.cmake)
