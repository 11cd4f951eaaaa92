# 32-bit Arm with hardware floating point, little-endian.
set(triple arm-linux-gnueabihf)
set(cpu arm)
set(qemu qemu-arm)
include(${CMAKE_CURRENT_LIST_DIR}/foreign.cmake)
