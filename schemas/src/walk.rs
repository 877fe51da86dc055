//! Walking over a datum by its writer's shape: is it whole, and what of it does a reader know?
//!
//! Every length is checked against the bytes that are there before anything is read by it, so a malformed one
//! allocates nothing.

use crate::shape::{Field, Form, Shape};

/// Why bytes are no datum of a shape.
pub(crate) type Flaw = &'static str;

/// The index of the null branch, which comes first in every addition.
const NULL_BRANCH: u8 = 0;
/// A block that has one item, as zigzag number.
const BLOCK_OF_ONE: u8 = 2;
/// The empty block that ends an array or map.
const LAST_BLOCK: u8 = 0;
const ENDED: Flaw = "the bytes end too early";

/// Steps over one value.
pub(crate) fn skip(shape: &Shape, bytes: &mut &[u8]) -> Result<(), Flaw> {
    match &shape.form {
        Form::Null => Ok(()),
        Form::Boolean => match take(bytes, 1)? {
            [0 | 1] => Ok(()),
            _ => Err("a boolean is neither 0 nor 1"),
        },
        Form::Int => int(bytes).map(drop),
        Form::Long => long(bytes).map(drop),
        Form::Fixed(size) => take(bytes, *size).map(drop),
        Form::Sized => sized(bytes).map(drop),
        Form::Enum(symbols) => index(bytes, *symbols).map(drop),
        Form::Array(item) => items(bytes, item.least_bytes, |bytes| skip(item, bytes)),
        Form::Map(item) => items(bytes, 1 + item.least_bytes, |bytes| {
            sized(bytes)?;
            skip(item, bytes)
        }),
        Form::Union(branches) => skip(&branches[index(bytes, branches.len())?], bytes),
        Form::Record(fields) => skip_fields(fields, bytes),
    }
}

fn skip_fields(fields: &[Field], bytes: &mut &[u8]) -> Result<(), Flaw> {
    fields
        .iter()
        .try_for_each(|field| skip(&field.shape, bytes))
}

/// The place of the value with which a reading of a sound datum ended that left so many bytes, as `payload.x[0].y`.
pub(crate) fn place(shape: &Shape, mut bytes: &[u8], left: usize) -> String {
    let mut path = String::new();
    let _found = seek(shape, &mut bytes, left, &mut path);
    path.trim_start_matches('.').to_owned()
}

/// Steps over values up to that one, of which the path is left behind.
fn seek(shape: &Shape, bytes: &mut &[u8], left: usize, path: &mut String) -> Result<(), Flaw> {
    const FOUND: Flaw = "it is this one";
    let mut within = |name: &str, shape: &Shape, bytes: &mut &[u8]| {
        let above = path.len();
        path.push_str(name);
        seek(shape, bytes, left, path)?;
        path.truncate(above);
        Ok(())
    };
    match &shape.form {
        Form::Record(fields) => fields
            .iter()
            .try_for_each(|field| within(&format!(".{}", field.name), &field.shape, bytes)),
        Form::Union(branches) => seek(&branches[index(bytes, branches.len())?], bytes, left, path),
        Form::Array(item) => {
            let mut number = 0..;
            items(bytes, item.least_bytes, |bytes| {
                within(&format!("[{}]", number.next().unwrap_or(0)), item, bytes)
            })
        }
        Form::Map(item) => items(bytes, 1 + item.least_bytes, |bytes| {
            let key = String::from_utf8_lossy(sized(bytes)?);
            within(&format!(".{key}"), item, bytes)
        }),
        _ => {
            skip(shape, bytes)?;
            if bytes.len() > left {
                Ok(())
            } else {
                Err(FOUND)
            }
        }
    }
}

/// Copies one value as the reader has it: what only the writer knows is left out, what only the reader knows is
/// null. The shapes must be related (see [`crate::compat`]): one has more at the ends of records, nothing else.
pub(crate) fn project(
    writer: &Shape,
    reader: &Shape,
    bytes: &mut &[u8],
    out: &mut Vec<u8>,
) -> Result<(), Flaw> {
    match (&writer.form, &reader.form) {
        (Form::Record(from), Form::Record(to)) => {
            for (from, to) in from.iter().zip(to) {
                project(&from.shape, &to.shape, bytes, out)?;
            }
            out.extend(to.iter().skip(from.len()).map(|_| NULL_BRANCH));
            skip_fields(from.get(to.len()..).unwrap_or_default(), bytes)
        }
        (Form::Union(from), Form::Union(to)) => {
            let branch = copied(bytes, out, |bytes| index(bytes, from.len()))?;
            let reader = to.get(branch).ok_or("a branch that the reader lacks")?;
            project(&from[branch], reader, bytes, out)
        }
        (Form::Array(from), Form::Array(to)) => {
            items(bytes, from.least_bytes, |bytes| {
                out.push(BLOCK_OF_ONE);
                project(from, to, bytes, out)
            })?;
            out.push(LAST_BLOCK);
            Ok(())
        }
        (Form::Map(from), Form::Map(to)) => {
            items(bytes, 1 + from.least_bytes, |bytes| {
                out.push(BLOCK_OF_ONE);
                copied(bytes, out, sized)?;
                project(from, to, bytes, out)
            })?;
            out.push(LAST_BLOCK);
            Ok(())
        }
        _ => copied(bytes, out, |bytes| skip(writer, bytes)),
    }
}

/// Does something with the beginning of the bytes, and copies it.
fn copied<'a, T>(
    bytes: &mut &'a [u8],
    out: &mut Vec<u8>,
    read: impl FnOnce(&mut &'a [u8]) -> Result<T, Flaw>,
) -> Result<T, Flaw> {
    let before = *bytes;
    let value = read(bytes)?;
    out.extend_from_slice(&before[..before.len() - bytes.len()]);
    Ok(value)
}

/// Goes through the items of an array or map; a block has no more of them than its bytes allow.
fn items(
    bytes: &mut &[u8],
    least_bytes: usize,
    mut item: impl FnMut(&mut &[u8]) -> Result<(), Flaw>,
) -> Result<(), Flaw> {
    loop {
        let count = long(bytes)?;
        if count == 0 {
            return Ok(());
        }
        let size = if count < 0 {
            Some(length(bytes)?)
        } else {
            None
        };
        let count = usize::try_from(count.unsigned_abs()).map_err(|_| ENDED)?;
        if count > bytes.len() / least_bytes.max(1) {
            return Err(ENDED);
        }
        let before = bytes.len();
        (0..count).try_for_each(|_| item(bytes))?;
        if size.is_some_and(|size| size != before - bytes.len()) {
            return Err("a block is not as long as it says");
        }
    }
}

fn sized<'a>(bytes: &mut &'a [u8]) -> Result<&'a [u8], Flaw> {
    let length = length(bytes)?;
    take(bytes, length)
}

fn length(bytes: &mut &[u8]) -> Result<usize, Flaw> {
    usize::try_from(long(bytes)?).map_err(|_| "a negative length")
}

fn index(bytes: &mut &[u8], below: usize) -> Result<usize, Flaw> {
    let index = usize::try_from(int(bytes)?).map_err(|_| "a negative index")?;
    if index < below {
        Ok(index)
    } else {
        Err("an index beyond the last")
    }
}

fn int(bytes: &mut &[u8]) -> Result<i32, Flaw> {
    i32::try_from(long(bytes)?).map_err(|_| "an int beyond 32 bits")
}

/// A zigzag number of at most ten bytes.
fn long(bytes: &mut &[u8]) -> Result<i64, Flaw> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first().ok_or(ENDED)?;
        *bytes = rest;
        let bits = u64::from(byte & 0x7f);
        if shift == 63 && bits > 1 {
            break;
        }
        value |= bits << shift;
        if byte & 0x80 == 0 {
            return Ok((value >> 1).cast_signed() ^ -(value & 1).cast_signed());
        }
    }
    Err("a number beyond 64 bits")
}

fn take<'a>(bytes: &mut &'a [u8], count: usize) -> Result<&'a [u8], Flaw> {
    let (taken, rest) = bytes.split_at_checked(count).ok_or(ENDED)?;
    *bytes = rest;
    Ok(taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_where_reading_ended() {
        let schema = r#"{"type": "record", "name": "all", "fields": [
            {"name": "before", "type": ["null", "string"]},
            {"name": "list", "type": {"type": "array", "items":
                {"type": "record", "name": "one", "fields": [{"name": "a", "type": "long"}, {"name": "b", "type": "string"}]}}},
            {"name": "map", "type": {"type": "map", "values": "string"}},
            {"name": "after", "type": "null"}]}"#;
        let shape = Shape::parse(schema).unwrap();
        // No text; two items, of which each has a number and a text of one letter; a text under the key `k`.
        let bytes = [0, 4, 2, 2, b'x', 4, 2, b'y', 0, 2, 2, b'k', 2, b'z', 0];
        assert_eq!(skip(&shape, &mut &bytes[..]), Ok(()));
        for (read, named) in [
            (1, "before"),
            (3, "list[0].a"),
            (5, "list[0].b"),
            (8, "list[1].b"),
            (14, "map.k"),
        ] {
            assert_eq!(place(&shape, &bytes, bytes.len() - read), named);
        }
    }

    #[test]
    fn what_no_writer_writes_is_refused() {
        let longs = r#"{"type": "array", "items": "long"}"#;
        for (what, schema, sound, bytes) in [
            ("a boolean", r#""boolean""#, &[1][..], &[2][..]),
            (
                "a number of 65 bits",
                r#""long""#,
                &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1],
                &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 3],
            ),
            (
                "a number of eleven bytes",
                r#""long""#,
                &[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0],
                &[
                    0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0,
                ],
            ),
            (
                "a block that is shorter than it says",
                longs,
                &[1, 2, 4, 0],
                &[1, 4, 4, 0],
            ),
            ("more items than bytes", longs, &[4, 2, 4, 0], &[6, 2, 4, 0]),
            ("a negative length", r#""string""#, &[2, b'a'], &[1, b'a']),
            (
                "a text beyond the end",
                r#""bytes""#,
                &[2, b'a'],
                &[4, b'a'],
            ),
            (
                "an int of 33 bits",
                r#""int""#,
                &[0xff, 0xff, 0xff, 0xff, 0x0f],
                &[0x80, 0x80, 0x80, 0x80, 0x10],
            ),
        ] {
            let shape = Shape::parse(schema).unwrap();
            assert_eq!(skip(&shape, &mut &sound[..]), Ok(()), "{what}");
            assert!(skip(&shape, &mut &bytes[..]).is_err(), "{what}");
        }
    }
}
