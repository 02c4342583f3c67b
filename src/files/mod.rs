//! What is exchanged with the outside as files: read strictly, written exactly, streamed always.
//!
//! Bytes in, typed records out, and back. Nothing here opens a path, asks the time, knows a database
//! or a request: callers hand in a reader or a writer. A file is either wholly understood or refused
//! with the line and the column of what is wrong; a warning says what was tolerated, never silently.

pub mod asobancaria_2001;
pub mod billing_feed;
pub mod billing_sample;
pub mod collection_file;
pub mod fixed_width;
pub mod lines;
pub mod seeded;
