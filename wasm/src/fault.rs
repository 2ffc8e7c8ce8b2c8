//! What can be wrong with an object, a program or a run.

/// A sentence for a person, with the place it points at where there is one.
#[derive(Clone, Debug)]
pub struct Fault {
    pub message: String,
    pub program: Option<String>,
    /// Slot in the program as linked.
    pub instruction: Option<usize>,
}

impl Fault {
    pub fn new(message: impl Into<String>) -> Fault {
        Fault { message: message.into(), program: None, instruction: None }
    }

    pub fn at(instruction: usize, message: impl Into<String>) -> Fault {
        Fault { message: message.into(), program: None, instruction: Some(instruction) }
    }

    /// Says which program the fault is in, unless a closer place has said so.
    pub fn in_program(mut self, name: &str) -> Fault {
        self.program.get_or_insert_with(|| name.to_owned());
        self
    }
}
