# Debian's bare-metal RISC-V gcc with picolibc. -misa-spec=2.2 because gcc 12 finds the rv32imac
# multilib only when zicsr and zifencei are part of the base ISA.
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR riscv32)
set(CMAKE_C_COMPILER riscv64-unknown-elf-gcc)
set(CMAKE_ASM_COMPILER riscv64-unknown-elf-gcc)
set(CMAKE_OBJCOPY riscv64-unknown-elf-objcopy)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
set(RV32_FLAGS "-march=rv32imac -mabi=ilp32 -misa-spec=2.2 --specs=picolibc.specs")
set(CMAKE_C_FLAGS_INIT "${RV32_FLAGS} -ffunction-sections -fdata-sections")
set(CMAKE_ASM_FLAGS_INIT "${RV32_FLAGS}")
