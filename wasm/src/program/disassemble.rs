//! Instructions as text, in the notation of the kernel's verifier log and of llvm-objdump.

use super::instruction::*;

/// What a constant load or a call refers to, by name.
pub trait Names {
    /// The map or variable that the `LDDW` at this slot loads.
    fn constant(&self, slot: usize) -> Option<String>;
    /// The helper with this number.
    fn helper(&self, number: u32) -> Option<&'static str>;
    /// The function that begins at this slot.
    fn function(&self, slot: i64) -> Option<String>;
}

const SIZES: [&str; 4] = ["u32", "u16", "u8", "u64"];
const SIGNED: [&str; 4] = ["s32", "s16", "s8", "s64"];

pub fn disassemble(program: &[Insn], at: usize, names: &impl Names) -> String {
    let insn = program[at];
    let size = |table: [&'static str; 4]| table[usize::from(insn.opcode >> 3 & 3)];
    let place = |register: u8| match insn.off {
        off if off < 0 => format!("(r{register} - {})", -i32::from(off)),
        off => format!("(r{register} + {off})"),
    };
    match insn.class() {
        CLASS_LD if insn.is_wide() => {
            let value = match names.constant(at) {
                Some(name) => name,
                None => format!("{:#x} ll", wide_immediate(insn, program.get(at + 1).copied().unwrap_or(Insn::new(0, 0, 0, 0, 0)))),
            };
            format!("r{} = {value}", insn.dst)
        }
        CLASS_LD if insn.mode() == MODE_IND => format!("r0 = *({} *)skb[r{} + {}]", size(SIZES), insn.src, insn.imm),
        CLASS_LD => format!("r0 = *({} *)skb[{}]", size(SIZES), insn.imm),
        CLASS_LDX => {
            let table = if insn.mode() == MODE_MEMSX { SIGNED } else { SIZES };
            format!("r{} = *({} *){}", insn.dst, size(table), place(insn.src))
        }
        CLASS_ST => format!("*({} *){} = {}", size(SIZES), place(insn.dst), insn.imm),
        CLASS_STX if insn.mode() == MODE_ATOMIC => atomic(insn, size(SIZES), &place(insn.dst)),
        CLASS_STX => format!("*({} *){} = r{}", size(SIZES), place(insn.dst), insn.src),
        CLASS_ALU | CLASS_ALU64 => alu(insn),
        _ => jump(insn, at, names),
    }
}

fn atomic(insn: Insn, size: &str, place: &str) -> String {
    let r = if insn.size() == 8 { 'r' } else { 'w' };
    let pointer = format!("({size} *){place}");
    match insn.imm {
        ATOMIC_XCHG => format!("{r}{} = xchg({pointer}, {r}{})", insn.src, insn.src),
        ATOMIC_CMPXCHG => format!("{r}0 = cmpxchg({pointer}, {r}0, {r}{})", insn.src),
        operation => {
            let (sign, name) = match operation & 0xf0 {
                0x40 => ("|", "or"),
                0x50 => ("&", "and"),
                0xa0 => ("^", "xor"),
                _ => ("+", "add"),
            };
            if operation & ATOMIC_FETCH == 0 {
                format!("lock *{pointer} {sign}= {r}{}", insn.src)
            } else {
                format!("{r}{} = atomic_fetch_{name}({pointer}, {r}{})", insn.src, insn.src)
            }
        }
    }
}

fn alu(insn: Insn) -> String {
    let wide = insn.class() == CLASS_ALU64;
    let r = if wide { 'r' } else { 'w' };
    let dst = format!("{r}{}", insn.dst);
    let operand = if insn.uses_register() { format!("{r}{}", insn.src) } else { insn.imm.to_string() };
    let signed = if insn.off == 1 { "s" } else { "" };
    let sign = match insn.operation() {
        0x00 => "+=",
        0x10 => "-=",
        0x20 => "*=",
        OP_DIV => return format!("{dst} {signed}/= {operand}"),
        0x40 => "|=",
        0x50 => "&=",
        0x60 => "<<=",
        0x70 => ">>=",
        OP_NEG => return format!("{dst} = -{dst}"),
        OP_MOD => return format!("{dst} {signed}%= {operand}"),
        0xa0 => "^=",
        OP_MOV if insn.off != 0 => return format!("{dst} = (s{}){r}{}", insn.off, insn.src),
        OP_MOV => "=",
        0xc0 => "s>>=",
        OP_END => {
            let order = match (wide, insn.uses_register()) {
                (true, _) => "bswap",
                (_, true) => "be",
                _ => "le",
            };
            return format!("r{} = {order}{} r{}", insn.dst, insn.imm, insn.dst);
        }
        _ => return format!("unknown {:#04x}", insn.opcode),
    };
    format!("{dst} {sign} {operand}")
}

fn jump(insn: Insn, at: usize, names: &impl Names) -> String {
    match insn.opcode {
        EXIT => "exit".to_owned(),
        JA => format!("goto {}", distance(insn.target(at) - at as i64 - 1)),
        JA32 => format!("gotol {}", distance(insn.target(at) - at as i64 - 1)),
        CALL if insn.is_local_call() => match names.function(insn.callee(at)) {
            Some(name) => format!("call {name}"),
            None => format!("call pc{}", distance(i64::from(insn.imm))),
        },
        CALL if insn.src == PSEUDO_KFUNC_CALL => format!("call kernel function {}", insn.imm),
        CALL => match names.helper(insn.imm as u32) {
            Some(name) => format!("call {name}#{}", insn.imm),
            None => format!("call {}", insn.imm),
        },
        CALLX => format!("callx r{}", insn.dst),
        _ => conditional(insn, at),
    }
}

fn conditional(insn: Insn, at: usize) -> String {
    let r = if insn.class() == CLASS_JMP32 { 'w' } else { 'r' };
    let operand = if insn.uses_register() { format!("{r}{}", insn.src) } else { insn.imm.to_string() };
    let sign = match insn.operation() {
        0x10 => "==",
        0x20 => ">",
        0x30 => ">=",
        0x40 => "&",
        0x50 => "!=",
        0x60 => "s>",
        0x70 => "s>=",
        0xa0 => "<",
        0xb0 => "<=",
        0xc0 => "s<",
        0xd0 => "s<=",
        _ => return format!("unknown {:#04x}", insn.opcode),
    };
    format!("if {r}{} {sign} {operand} goto {}", insn.dst, distance(insn.target(at) - at as i64 - 1))
}

fn distance(slots: i64) -> String {
    format!("{}{slots}", if slots >= 0 { "+" } else { "" })
}
