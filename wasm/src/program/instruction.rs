//! One 8-byte instruction slot, as RFC 9669 lays it out.

/// A decoded slot. `LDDW` takes two of them; the second has opcode 0 and carries the upper half in `imm`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Insn {
    pub opcode: u8,
    pub dst: u8,
    pub src: u8,
    pub off: i16,
    pub imm: i32,
}

pub const CLASS_LD: u8 = 0;
pub const CLASS_LDX: u8 = 1;
pub const CLASS_ST: u8 = 2;
pub const CLASS_STX: u8 = 3;
pub const CLASS_ALU: u8 = 4;
pub const CLASS_JMP: u8 = 5;
pub const CLASS_JMP32: u8 = 6;
pub const CLASS_ALU64: u8 = 7;

pub const LDDW: u8 = 0x18;
pub const JA: u8 = 0x05;
pub const JA32: u8 = 0x06;
pub const CALL: u8 = 0x85;
pub const CALLX: u8 = 0x8d;
pub const EXIT: u8 = 0x95;

/// Values of `src` in an `LDDW` (linux/bpf.h, `BPF_PSEUDO_*`).
pub const PSEUDO_FUNC: u8 = 4;
/// Values of `src` in a `CALL`.
pub const PSEUDO_CALL: u8 = 1;
pub const PSEUDO_KFUNC_CALL: u8 = 2;

/// Operations of the ALU classes (upper four bits).
pub const OP_DIV: u8 = 0x30;
pub const OP_NEG: u8 = 0x80;
pub const OP_MOD: u8 = 0x90;
pub const OP_MOV: u8 = 0xb0;
pub const OP_END: u8 = 0xd0;

/// Modes of the load and store classes (upper three bits).
pub const MODE_ABS: u8 = 0x20;
pub const MODE_IND: u8 = 0x40;
pub const MODE_MEM: u8 = 0x60;
pub const MODE_MEMSX: u8 = 0x80;
pub const MODE_ATOMIC: u8 = 0xc0;

pub const ATOMIC_FETCH: i32 = 0x01;
pub const ATOMIC_XCHG: i32 = 0xe1;
pub const ATOMIC_CMPXCHG: i32 = 0xf1;

impl Insn {
    pub const fn new(opcode: u8, dst: u8, src: u8, off: i16, imm: i32) -> Insn {
        Insn { opcode, dst, src, off, imm }
    }

    pub fn class(self) -> u8 {
        self.opcode & 0x07
    }

    /// The operation of an ALU or jump instruction.
    pub fn operation(self) -> u8 {
        self.opcode & 0xf0
    }

    /// Whether the second operand is a register.
    pub fn uses_register(self) -> bool {
        self.opcode & 0x08 != 0
    }

    pub fn mode(self) -> u8 {
        self.opcode & 0xe0
    }

    /// Bytes that a load or store moves.
    pub fn size(self) -> usize {
        match self.opcode & 0x18 {
            0x00 => 4,
            0x08 => 2,
            0x10 => 1,
            _ => 8,
        }
    }

    pub fn is_wide(self) -> bool {
        self.opcode == LDDW
    }

    /// A jump within the program, conditional or not (neither call nor exit).
    pub fn is_jump(self) -> bool {
        matches!(self.class(), CLASS_JMP | CLASS_JMP32) && !matches!(self.operation(), 0x80 | 0x90)
    }

    pub fn is_conditional(self) -> bool {
        self.is_jump() && self.operation() != 0
    }

    /// Where a jump at slot `at` goes; it may lie outside the program.
    pub fn target(self, at: usize) -> i64 {
        let distance = if self.opcode == JA32 { i64::from(self.imm) } else { i64::from(self.off) };
        at as i64 + 1 + distance
    }

    /// Where a call to a local function at slot `at` goes.
    pub fn callee(self, at: usize) -> i64 {
        at as i64 + 1 + i64::from(self.imm)
    }

    pub fn is_local_call(self) -> bool {
        self.opcode == CALL && self.src == PSEUDO_CALL
    }

    pub fn is_helper_call(self) -> bool {
        self.opcode == CALL && self.src == 0
    }

    pub fn bytes(self) -> [u8; 8] {
        let off = self.off.to_le_bytes();
        let imm = self.imm.to_le_bytes();
        [self.opcode, self.dst | self.src << 4, off[0], off[1], imm[0], imm[1], imm[2], imm[3]]
    }
}

/// Decodes whole slots; a trailing part of one is left out (the loader has refused it before).
pub fn decode(bytes: &[u8]) -> Vec<Insn> {
    bytes
        .chunks_exact(8)
        .map(|b| Insn {
            opcode: b[0],
            dst: b[1] & 0x0f,
            src: b[1] >> 4,
            off: i16::from_le_bytes([b[2], b[3]]),
            imm: i32::from_le_bytes([b[4], b[5], b[6], b[7]]),
        })
        .collect()
}

/// The 64-bit constant of the `LDDW` whose slots these are.
pub fn wide_immediate(low: Insn, high: Insn) -> u64 {
    u64::from(low.imm as u32) | u64::from(high.imm as u32) << 32
}
