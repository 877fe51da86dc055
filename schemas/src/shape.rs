//! What a schema's text says about bytes: the tree that wholeness, projection and compatibility are decided on.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;

/// How deep a schema may nest.
const MAX_DEPTH: u32 = 48;
/// How many nodes it may have when every reference is written out, so that no walk over it is long.
const MAX_NODES: u32 = 50_000;

/// A type of a schema, its names resolved.
#[derive(Debug)]
pub(crate) struct Shape {
    /// What must stay the same: the type with its logical type or full name.
    pub(crate) label: String,
    pub(crate) form: Form,
    /// The fewest bytes that a value takes.
    pub(crate) least_bytes: usize,
    depth: u32,
    nodes: u32,
}

/// How values lie in bytes.
#[derive(Debug)]
pub(crate) enum Form {
    Null,
    Boolean,
    Int,
    Long,
    /// So many bytes.
    Fixed(usize),
    /// A length and so many bytes.
    Sized,
    /// An index below this.
    Enum(usize),
    Array(Arc<Shape>),
    Map(Arc<Shape>),
    Union(Vec<Arc<Shape>>),
    Record(Vec<Field>),
}

/// A field of a record.
#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) shape: Arc<Shape>,
    pub(crate) default: Option<Value>,
}

impl Field {
    /// Whether whoever does not know it may leave it out.
    pub(crate) fn is_nullable_addition(&self) -> bool {
        self.default == Some(Value::Null)
            && matches!(&self.shape.form, Form::Union(branches)
                if branches.len() == 2 && matches!(branches[0].form, Form::Null))
    }
}

impl Shape {
    /// Reads a schema's text. Recursive types are refused: a few bytes could nest them without end.
    pub(crate) fn parse(text: &str) -> Result<Arc<Self>, String> {
        let json = serde_json::from_str(text).map_err(|error| error.to_string())?;
        Parser::default().parse(&json, "")
    }

    fn new(label: impl Into<String>, form: Form) -> Result<Arc<Self>, String> {
        let children: Vec<&Shape> = match &form {
            Form::Array(item) | Form::Map(item) => vec![item],
            Form::Union(branches) => branches.iter().map(AsRef::as_ref).collect(),
            Form::Record(fields) => fields.iter().map(|field| field.shape.as_ref()).collect(),
            _ => vec![],
        };
        let depth = 1 + children.iter().map(|it| it.depth).max().unwrap_or(0);
        let nodes = children
            .iter()
            .fold(1, |sum: u32, it| sum.saturating_add(it.nodes));
        let least_bytes = match &form {
            Form::Null => 0,
            Form::Fixed(size) => *size,
            // A `fixed` may be as large as numbers go.
            Form::Record(_) => children
                .iter()
                .fold(0, |sum: usize, it| sum.saturating_add(it.least_bytes)),
            Form::Union(_) => 1 + children.iter().map(|it| it.least_bytes).min().unwrap_or(0),
            _ => 1,
        };
        if depth > MAX_DEPTH || nodes > MAX_NODES {
            return Err("too deep or too large".into());
        }
        Ok(Arc::new(Self {
            label: label.into(),
            form,
            // Whoever adds to it has room.
            least_bytes: least_bytes.min(usize::MAX / 2),
            depth,
            nodes,
        }))
    }
}

#[derive(Default)]
struct Parser {
    named: HashMap<String, Arc<Shape>>,
}

impl Parser {
    fn parse(&mut self, json: &Value, namespace: &str) -> Result<Arc<Shape>, String> {
        match json {
            Value::String(name) => self.by_name(name, None, namespace),
            Value::Array(branches) => {
                let branches = branches
                    .iter()
                    .map(|branch| self.parse(branch, namespace))
                    .collect::<Result<Vec<_>, _>>()?;
                Shape::new("union", Form::Union(branches))
            }
            Value::Object(_) => self.object(json, namespace),
            _ => Err("a type is a name, a list or an object".into()),
        }
    }

    fn by_name(
        &self,
        name: &str,
        logical: Option<&str>,
        namespace: &str,
    ) -> Result<Arc<Shape>, String> {
        let form = match name {
            "null" => Form::Null,
            "boolean" => Form::Boolean,
            "int" => Form::Int,
            "long" => Form::Long,
            "float" => Form::Fixed(4),
            "double" => Form::Fixed(8),
            "bytes" | "string" => Form::Sized,
            _ => {
                let full = full_name(name, namespace);
                let known = self.named.get(&full).map(Arc::clone);
                return known.ok_or_else(|| format!("{full} is unknown or contains itself"));
            }
        };
        let label = logical.map_or_else(|| name.to_owned(), |logical| format!("{name} {logical}"));
        Shape::new(label, form)
    }

    fn object(&mut self, json: &Value, namespace: &str) -> Result<Arc<Shape>, String> {
        let kind = match &json["type"] {
            Value::String(kind) => kind.as_str(),
            nested => return self.parse(nested, namespace),
        };
        match kind {
            "array" => {
                let item = self.parse(&json["items"], namespace)?;
                if item.least_bytes == 0 {
                    return Err("an array of what takes no bytes".into());
                }
                Shape::new("array", Form::Array(item))
            }
            "map" => Shape::new("map", Form::Map(self.parse(&json["values"], namespace)?)),
            "record" | "error" | "enum" | "fixed" => self.definition(kind, json, namespace),
            _ => self.by_name(kind, json["logicalType"].as_str(), namespace),
        }
    }

    fn definition(
        &mut self,
        kind: &str,
        json: &Value,
        namespace: &str,
    ) -> Result<Arc<Shape>, String> {
        let name = json["name"].as_str().ok_or("a type without a name")?;
        let namespace = json["namespace"].as_str().unwrap_or(namespace);
        let name = full_name(name, namespace);
        let namespace = name.rsplit_once('.').map_or("", |(namespace, _)| namespace);
        let form = match kind {
            "fixed" => {
                let size = json["size"]
                    .as_u64()
                    .and_then(|it| usize::try_from(it).ok());
                Form::Fixed(size.ok_or("a fixed without a size")?)
            }
            "enum" => {
                let symbols = json["symbols"]
                    .as_array()
                    .ok_or("an enum without symbols")?;
                Form::Enum(symbols.len())
            }
            _ => {
                let fields = json["fields"].as_array().ok_or("a record without fields")?;
                let fields = fields.iter().map(|field| self.field(field, namespace));
                Form::Record(fields.collect::<Result<_, _>>()?)
            }
        };
        let label = match kind {
            "fixed" => format!("fixed {name} {}", json["size"]),
            "enum" => format!("enum {name} {}", json["symbols"]),
            _ => format!("record {name}"),
        };
        let shape = Shape::new(label, form)?;
        if self
            .named
            .insert(name.clone(), Arc::clone(&shape))
            .is_some()
        {
            return Err(format!("{name} is defined twice"));
        }
        Ok(shape)
    }

    fn field(&mut self, json: &Value, namespace: &str) -> Result<Field, String> {
        let name = json["name"].as_str().ok_or("a field without a name")?;
        Ok(Field {
            name: name.to_owned(),
            shape: self.parse(&json["type"], namespace)?,
            default: json.get("default").cloned(),
        })
    }
}

fn full_name(name: &str, namespace: &str) -> String {
    if name.contains('.') || namespace.is_empty() {
        name.to_owned()
    } else {
        format!("{namespace}.{name}")
    }
}
