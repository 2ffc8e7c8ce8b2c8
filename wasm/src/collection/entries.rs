//! The entries of a collection’s maps, as user space reads and writes them.

use crate::fault::Fault;
use crate::map::arena::bytes_at;
use crate::map::{EINVAL, Map, MapSpec, Storage};
use super::{Collection, map_seed};

impl Collection {
    pub fn lookup(&mut self, map: &str, key: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        let index = self.map_index(map)?;
        let map = &mut self.machine.maps[index];
        check_size(map, "key", key, map.spec.key_size as usize)?;
        let touched = map.peek(key);
        // SAFETY: a stored value has this size.
        Ok((touched.value != 0).then(|| unsafe { bytes_at(touched.value, map.user_value_size()) }.to_vec()))
    }

    pub fn update(&mut self, map: &str, key: &[u8], value: &[u8], flags: u64) -> Result<bool, Fault> {
        let index = self.map_index(map)?;
        let map = &mut self.machine.maps[index];
        check_size(map, "key", key, map.spec.key_size as usize)?;
        check_size(map, "value", value, map.user_value_size())?;
        let updated = self.machine.store(index, key, value, flags);
        let map = &self.machine.maps[index];
        let said = match updated.error {
            0 => return Ok(updated.existed),
            crate::map::E2BIG if matches!(map.storage, Storage::Array(_)) => format!("its index is not below {}", map.spec.max_entries),
            crate::map::E2BIG | crate::map::ENOSPC => format!("it is full with {} entries", map.spec.max_entries),
            EINVAL => "its key or flags do not fit, or it takes no entries from here".to_owned(),
            error => format!("error {error}"),
        };
        Err(Fault::new(format!("Map {} refuses the entry: {said}.", map.spec.name)))
    }

    /// Makes a new inner map as the outer one declares its elements, and puts it at `key`. Its name: `OUTER/INDEX`.
    pub fn create_inner(&mut self, outer: &str, key: &[u8]) -> Result<String, Fault> {
        let index = self.map_index(outer)?;
        let Some(template) = self.inner.get(index).cloned().flatten() else {
            return Err(Fault::new(format!("Map {outer} does not declare what maps its elements are.")));
        };
        let number = self.machine.maps.len();
        let name = format!("{outer}/{number}");
        let arena = if template.is_read_only() { &mut self.machine.constants } else { &mut self.machine.arena };
        let map = Map::create(MapSpec { name: name.clone(), ..template }, map_seed(self.seed, number), self.cpus, arena).map_err(Fault::new)?;
        self.machine.maps.push(map);
        self.update(outer, key, &(number as u32 + 1).to_le_bytes(), 0)?;
        Ok(name)
    }

    /// The bucket that a key belongs to; `None`: the map has no buckets.
    pub fn bucket(&self, map: &str, key: &[u8]) -> Result<Option<u32>, Fault> {
        let map = &self.machine.maps[self.map_index(map)?];
        check_size(map, "key", key, map.spec.key_size as usize)?;
        Ok(map.bucket(key))
    }

    pub fn delete(&mut self, map: &str, key: &[u8]) -> Result<bool, Fault> {
        let index = self.map_index(map)?;
        let map = &mut self.machine.maps[index];
        check_size(map, "key", key, map.spec.key_size as usize)?;
        Ok(map.delete(key).is_ok())
    }

    /// One value for every CPU of a per-CPU map; elsewhere the value itself.
    pub fn value_for_all_cpus(&self, map: &str, value: &[u8]) -> Result<Vec<u8>, Fault> {
        let map = &self.machine.maps[self.map_index(map)?];
        if !map.kind.per_cpu {
            return Ok(value.to_vec());
        }
        check_size(map, "value", value, map.spec.value_size as usize)?;
        let mut one = value.to_vec();
        one.resize(value.len().next_multiple_of(8), 0);
        Ok(one.repeat(map.cpus() as usize))
    }

    pub fn clear(&mut self, name: &str) -> Result<(), Fault> {
        let index = self.map_index(name)?;
        self.machine.maps[index].clear();
        Ok(())
    }

    /// Records that programs handed to user space through this map since the last call.
    pub fn take_records(&mut self, name: &str) -> Result<Vec<Vec<u8>>, Fault> {
        let index = self.map_index(name)?;
        Ok(match &mut self.machine.maps[index].storage {
            Storage::Ring(ring) => ring.take(),
            Storage::Records(records) => std::mem::take(records),
            _ => Vec::new(),
        })
    }
}

fn check_size(map: &Map, what: &str, bytes: &[u8], wanted: usize) -> Result<(), Fault> {
    if bytes.len() == wanted {
        return Ok(());
    }
    Err(Fault::new(format!("Map {}: the {what} has {} bytes, and must have {wanted}.", map.spec.name, bytes.len())))
}
