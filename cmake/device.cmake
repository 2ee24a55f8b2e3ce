# The device software is cross-compiled: a CMake project of its own (device/), built into
# build/device/ whatever the host preset, since nothing in it depends on the host build type.
include(ExternalProject)

set(DEVICE_BUILD_DIR "${CMAKE_SOURCE_DIR}/build/device" CACHE PATH "Where device software is built")

ExternalProject_Add(device
  SOURCE_DIR "${CMAKE_SOURCE_DIR}/device"
  BINARY_DIR "${DEVICE_BUILD_DIR}"
  CMAKE_GENERATOR Ninja
  CMAKE_ARGS "-DCMAKE_TOOLCHAIN_FILE=${CMAKE_SOURCE_DIR}/cmake/rv32imac.cmake"
             -DCMAKE_BUILD_TYPE=MinSizeRel
  INSTALL_COMMAND ""
  BUILD_ALWAYS ON
  USES_TERMINAL_BUILD ON
  BUILD_BYPRODUCTS "${DEVICE_BUILD_DIR}/rom.bin" "${DEVICE_BUILD_DIR}/boot.elf")
