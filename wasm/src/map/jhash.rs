//! The kernel's hash of map keys: Bob Jenkins' lookup3 (include/linux/jhash.h, as kernel/bpf/hashtab.c uses it).

const GOLDEN: u32 = 0xdead_beef;

/// `htab_map_hash`: words where the key's length is a multiple of four, else bytes. On a little-endian machine both
/// read the same words; only the last, incomplete one differs.
pub fn htab_map_hash(key: &[u8], seed: u32) -> u32 {
    let start = GOLDEN.wrapping_add(if key.len() % 4 == 0 { (key.len() as u32 / 4) << 2 } else { key.len() as u32 }).wrapping_add(seed);
    let (mut a, mut b, mut c) = (start, start, start);
    let mut rest = key;
    while rest.len() > 12 {
        a = a.wrapping_add(word(rest, 0));
        b = b.wrapping_add(word(rest, 4));
        c = c.wrapping_add(word(rest, 8));
        mix(&mut a, &mut b, &mut c);
        rest = &rest[12..];
    }
    if !rest.is_empty() {
        a = a.wrapping_add(word(rest, 0));
        b = b.wrapping_add(word(rest, 4));
        c = c.wrapping_add(word(rest, 8));
        finish(&mut a, &mut b, &mut c);
    }
    c
}

/// Little-endian word, zero where the key has ended.
fn word(bytes: &[u8], at: usize) -> u32 {
    (0..4).map(|i| u32::from(bytes.get(at + i).copied().unwrap_or(0)) << (8 * i)).sum()
}

fn mix(a: &mut u32, b: &mut u32, c: &mut u32) {
    *a = a.wrapping_sub(*c) ^ c.rotate_left(4);
    *c = c.wrapping_add(*b);
    *b = b.wrapping_sub(*a) ^ a.rotate_left(6);
    *a = a.wrapping_add(*c);
    *c = c.wrapping_sub(*b) ^ b.rotate_left(8);
    *b = b.wrapping_add(*a);
    *a = a.wrapping_sub(*c) ^ c.rotate_left(16);
    *c = c.wrapping_add(*b);
    *b = b.wrapping_sub(*a) ^ a.rotate_left(19);
    *a = a.wrapping_add(*c);
    *c = c.wrapping_sub(*b) ^ b.rotate_left(4);
    *b = b.wrapping_add(*a);
}

fn finish(a: &mut u32, b: &mut u32, c: &mut u32) {
    *c = (*c ^ *b).wrapping_sub(b.rotate_left(14));
    *a = (*a ^ *c).wrapping_sub(c.rotate_left(11));
    *b = (*b ^ *a).wrapping_sub(a.rotate_left(25));
    *c = (*c ^ *b).wrapping_sub(b.rotate_left(16));
    *a = (*a ^ *c).wrapping_sub(c.rotate_left(4));
    *b = (*b ^ *a).wrapping_sub(a.rotate_left(14));
    *c = (*c ^ *b).wrapping_sub(b.rotate_left(24));
}
