//! What a program's access to a map touched, as it is handed to JavaScript.

use crate::map::Touched;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Operation {
    Lookup = 0,
    Update = 1,
    Delete = 2,
}

pub struct Access {
    pub map: usize,
    pub operation: Operation,
    pub found: bool,
    pub touched: Touched,
    pub at_instruction: u64,
    pub key: Vec<u8>,
    pub value: Option<Vec<u8>>,
}

/// One record behind the other, little-endian: map, operation, found, whether there is a value, 0; bucket; elements
/// compared; trie nodes; instructions before; key length; value length; key; value.
pub fn pack(accesses: &[Access]) -> Vec<u8> {
    let mut out = Vec::new();
    for access in accesses {
        let value = access.value.as_deref().unwrap_or(&[]);
        out.extend_from_slice(&(access.map as u32).to_le_bytes());
        out.extend_from_slice(&[access.operation as u8, u8::from(access.found), u8::from(access.value.is_some()), 0]);
        for number in [access.touched.bucket, access.touched.compared, access.touched.nodes, access.at_instruction as u32, access.key.len() as u32, value.len() as u32] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        out.extend_from_slice(&access.key);
        out.extend_from_slice(value);
    }
    out
}
