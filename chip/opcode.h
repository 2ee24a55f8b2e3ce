/* chip/opcode.h: every operation the interpreter knows, as one list.
 *
 * OPCODES(X) expands X(name) once per operation; enum opcode, the handlers op_<name>() and their
 * table are all made from it. Compressed instructions decode to the operation they stand for.
 */
#ifndef CHIP_OPCODE_H
#define CHIP_OPCODE_H

/* The lists below keep their lines: grouped as the manual groups them. */
/* clang-format off */

/* Register-immediate and register-register arithmetic; `li` also serves lui and auipc, whose value
 * is known when the instruction is decoded. */
#define OPCODES_ALU(X)                                                                             \
    X(nop) X(li) X(move)                                                                           \
    X(addi) X(slti) X(sltiu) X(xori) X(ori) X(andi) X(slli) X(srli) X(srai)                        \
    X(add) X(sub) X(sll) X(slt) X(sltu) X(xor) X(srl) X(sra) X(or) X(and)                          \
    X(mul) X(mulh) X(mulhsu) X(mulhu) X(div) X(divu) X(rem) X(remu)

/* Memory. */
#define OPCODES_MEMORY(X)                                                                          \
    X(lb) X(lh) X(lw) X(lbu) X(lhu) X(sb) X(sh) X(sw)                                              \
    X(lr) X(sc) X(amo)

/* Instructions that end a block; `next` is none of the guest's: it leads from a block that was cut
 * short to the one behind it. */
#define OPCODES_FLOW(X)                                                                            \
    X(jal) X(jump) X(jalr) X(beq) X(bne) X(blt) X(bge) X(bltu) X(bgeu) X(next)                     \
    X(ecall) X(ebreak) X(mret) X(wfi) X(illegal)
/* clang-format on */

/* System instructions within a block. */
#define OPCODES_CSR(X) X(csrrw) X(csrrs) X(csrrc) X(csrrwi) X(csrrsi) X(csrrci)

#define OPCODES(X) OPCODES_ALU(X) OPCODES_MEMORY(X) OPCODES_CSR(X) OPCODES_FLOW(X)

#define OPCODE_ENUM(name) OPCODE_##name,
enum opcode { OPCODES(OPCODE_ENUM) OPCODE_COUNT };
#undef OPCODE_ENUM

/* OPCODES_FLOW stand last in the list: whatever is not before them ends its block. */
#define OPCODE_ENDS_BLOCK(opcode) ((opcode) >= OPCODE_jal)

#endif
