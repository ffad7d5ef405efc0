//! Answers the questions of vectors.txt: copies each line, with an own answer behind " = ".

use crate::window::Window;
use crate::wire::{open, seal, HEADER_LEN};
use std::io::{self, BufRead, Write};

/// The receiver that the questions are put to.
struct End {
    window: Window,
    mtu: usize,
}

pub fn answer(questions: impl BufRead, mut answers: impl Write) -> io::Result<()> {
    let mut end = End { window: Window::new(), mtu: 0 };
    for line in questions.lines() {
        let line = line?;
        let (question, answered) = match line.split_once(" = ") {
            Some((question, _)) => (question, true),
            None => (line.as_str(), false),
        };
        match end.answer(question) {
            Some(answer) if answered => writeln!(answers, "{question} = {answer}")?,
            _ => writeln!(answers, "{line}")?,
        }
    }
    answers.flush()
}

impl End {
    /// Returns the answer to a question, or nothing for a line that is none.
    fn answer(&mut self, question: &str) -> Option<String> {
        let (word, rest) = question.split_once(' ')?;
        match word {
            "end" => {
                *self = End { window: Window::new(), mtu: rest.parse().ok()? };
                None
            }
            "seal" => {
                let (sequence, packet) = rest.split_once(' ')?;
                let mut datagram = vec![0; HEADER_LEN];
                datagram.extend(from_hex(packet)?);
                seal(&mut datagram, sequence.parse().ok()?);
                Some(to_hex(&datagram))
            }
            "open" => {
                let mut datagram = from_hex(rest)?;
                Some(match open(&mut self.window, &mut datagram, self.mtu) {
                    Ok(packet) => format!("accepted {}", to_hex(packet)),
                    Err(drop) => format!("{drop:?}").to_lowercase(),
                })
            }
            _ => None,
        }
    }
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits = |at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok();
    (0..text.len()).step_by(2).map(digits).collect()
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
