//! Avro object container files with zstd blocks, as the Avro specification ("Object Container Files") has them.
//!
//! Written and read here rather than by the library, because a reader has to hop over blocks without unpacking them: a
//! file's rows are contiguous, so a block's first position follows from the counts before it.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Seek, Write};
use std::path::Path;

use super::{ArchiveError, row};
use crate::log::row::LogRow;

const MAGIC: &[u8] = b"Obj\x01";
/// A block ends with the row that brings it here, in bytes before compression.
const BLOCK_BYTES: usize = 262_144;
/// A block that says it is larger is corrupt: a row is at most 256 KiB of body and some texts.
const MAX_BLOCK_BYTES: usize = 4_194_304;
/// The longest text of a header: a file names every writer schema of its rows.
const MAX_METADATA_BYTES: usize = 8_388_608;
const LEVEL: i32 = 3;

/// Writes rows into a file that is not there yet.
pub struct Writer {
    out: BufWriter<File>,
    sync: [u8; 16],
    block: Vec<u8>,
    in_block: i64,
}

impl Writer {
    /// Begins a file with a header, in which these texts stand, and with what separates its blocks.
    pub fn create(
        path: &Path,
        metadata: &[(&str, String)],
        sync: [u8; 16],
    ) -> Result<Self, ArchiveError> {
        let mut out = BufWriter::new(File::create_new(path)?);
        let mut header = MAGIC.to_vec();
        let own = [
            ("avro.schema", row::SCHEMA_TEXT.to_owned()),
            ("avro.codec", "zstandard".to_owned()),
        ];
        put_long(
            &mut header,
            i64::try_from(own.len() + metadata.len()).unwrap_or(0),
        );
        for (key, value) in own.iter().chain(metadata) {
            put_bytes(&mut header, key.as_bytes());
            put_bytes(&mut header, value.as_bytes());
        }
        put_long(&mut header, 0);
        header.extend_from_slice(&sync);
        out.write_all(&header)?;
        Ok(Self {
            out,
            sync,
            block: Vec::new(),
            in_block: 0,
        })
    }

    /// Adds one encoded row.
    pub fn append(&mut self, datum: &[u8]) -> Result<(), ArchiveError> {
        self.block.extend_from_slice(datum);
        self.in_block += 1;
        if self.block.len() >= BLOCK_BYTES {
            self.end_block()?;
        }
        Ok(())
    }

    fn end_block(&mut self) -> Result<(), ArchiveError> {
        if self.in_block == 0 {
            return Ok(());
        }
        let mut compressor = zstd::bulk::Compressor::new(LEVEL)?;
        // Else most single bits may change and the block is still unpacked, to something else.
        compressor.include_checksum(true)?;
        let packed = compressor.compress(&self.block)?;
        let mut framing = Vec::with_capacity(20);
        put_long(&mut framing, self.in_block);
        put_long(&mut framing, i64::try_from(packed.len()).unwrap_or(0));
        self.out.write_all(&framing)?;
        self.out.write_all(&packed)?;
        self.out.write_all(&self.sync)?;
        self.block.clear();
        self.in_block = 0;
        Ok(())
    }

    /// Ends the file and waits until the disk has it.
    pub fn finish(mut self) -> Result<(), ArchiveError> {
        self.end_block()?;
        let file = self
            .out
            .into_inner()
            .map_err(std::io::IntoInnerError::into_error)?;
        file.sync_all()?;
        Ok(())
    }
}

/// Reads a file's rows from any of its positions on.
pub struct Reader {
    from: BufReader<File>,
    sync: [u8; 16],
    metadata: Vec<(String, Vec<u8>)>,
    /// The position of the next block's first row.
    next: i64,
    end: u64,
}

impl Reader {
    /// Opens a file whose first row stands at `first`.
    pub fn open(path: &Path, first: i64) -> Result<Self, ArchiveError> {
        let file = File::open(path)?;
        let end = file.metadata()?.len();
        let mut from = BufReader::new(file);
        let mut magic = [0; 4];
        from.read_exact(&mut magic)?;
        if magic != MAGIC {
            return Err(ArchiveError::Corrupt("it is no Avro file".to_owned()));
        }
        let mut metadata = Vec::new();
        loop {
            let count = get_long(&mut from)?;
            if count == 0 {
                break;
            }
            for _ in 0..count {
                let key = get_bytes(&mut from)?;
                metadata.push((
                    String::from_utf8_lossy(&key).into_owned(),
                    get_bytes(&mut from)?,
                ));
            }
        }
        let mut sync = [0; 16];
        from.read_exact(&mut sync)?;
        Ok(Self {
            from,
            sync,
            metadata,
            next: first,
            end,
        })
    }

    /// One of the file's own texts.
    pub fn metadata(&self, key: &str) -> Option<String> {
        let (_, value) = self.metadata.iter().find(|(name, _)| name == key)?;
        String::from_utf8(value.clone()).ok()
    }

    /// The next block with a row behind `after`, unpacked: its first position, its count and its datums. `None` at the end.
    fn block_after(&mut self, after: i64) -> Result<Option<(i64, i64, Vec<u8>)>, ArchiveError> {
        while self.from.stream_position()? < self.end {
            let (count, size) = (get_long(&mut self.from)?, get_long(&mut self.from)?);
            let size = usize::try_from(size)
                .ok()
                .filter(|size| *size <= MAX_BLOCK_BYTES && count > 0);
            let size = size.ok_or_else(|| ArchiveError::Corrupt("a block's size".to_owned()))?;
            let first = self.next;
            self.next += count;
            if first + count - 1 <= after {
                let over = i64::try_from(size + self.sync.len()).unwrap_or(0);
                self.from.seek_relative(over)?;
                continue;
            }
            let mut packed = vec![0; size];
            self.from.read_exact(&mut packed)?;
            let mut sync = [0; 16];
            self.from.read_exact(&mut sync)?;
            if sync != self.sync {
                return Err(ArchiveError::Corrupt("a block's end".to_owned()));
            }
            let datums = zstd::bulk::decompress(&packed, MAX_BLOCK_BYTES)
                .map_err(|error| ArchiveError::Corrupt(format!("a block: {error}")))?;
            return Ok(Some((first, count, datums)));
        }
        Ok(None)
    }

    /// The rows of the next block with one behind `after`, those up to `after` included. `None` at the end.
    pub fn rows_after(&mut self, after: i64) -> Result<Option<Vec<LogRow>>, ArchiveError> {
        let Some((first, count, datums)) = self.block_after(after)? else {
            return Ok(None);
        };
        let mut left = datums.as_slice();
        let mut rows = Vec::new();
        for position in first..first + count {
            let row = row::decode(&mut left)?;
            if row.position != position {
                return Err(ArchiveError::Corrupt(format!(
                    "position {} stands where {position} should",
                    row.position
                )));
            }
            rows.push(row);
        }
        if left.is_empty() {
            Ok(Some(rows))
        } else {
            Err(ArchiveError::Corrupt("bytes are left over".to_owned()))
        }
    }
}

fn put_long(into: &mut Vec<u8>, value: i64) {
    let mut rest = (value.cast_unsigned() << 1) ^ (value >> 63).cast_unsigned();
    while rest >= 0x80 {
        into.push(u8::try_from(rest & 0x7f).unwrap_or(0) | 0x80);
        rest >>= 7;
    }
    into.push(u8::try_from(rest).unwrap_or(0));
}

fn put_bytes(into: &mut Vec<u8>, bytes: &[u8]) {
    put_long(into, i64::try_from(bytes.len()).unwrap_or(0));
    into.extend_from_slice(bytes);
}

fn get_long(from: &mut impl Read) -> Result<i64, ArchiveError> {
    let mut value: u64 = 0;
    for shift in (0..64).step_by(7) {
        let mut byte = [0];
        from.read_exact(&mut byte)?;
        value |= u64::from(byte[0] & 0x7f) << shift;
        if byte[0] < 0x80 {
            return Ok((value >> 1).cast_signed() ^ -(value & 1).cast_signed());
        }
    }
    Err(ArchiveError::Corrupt(
        "a number that does not end".to_owned(),
    ))
}

fn get_bytes(from: &mut impl Read) -> Result<Vec<u8>, ArchiveError> {
    let length = usize::try_from(get_long(from)?)
        .ok()
        .filter(|length| *length <= MAX_METADATA_BYTES)
        .ok_or_else(|| ArchiveError::Corrupt("a text of its header is too long".to_owned()))?;
    let mut bytes = vec![0; length];
    from.read_exact(&mut bytes)?;
    Ok(bytes)
}
