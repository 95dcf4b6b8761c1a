use serde::{
    Serialize, Serializer,
    ser::{
        SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
        SerializeTupleStruct, SerializeTupleVariant,
    },
};

/// Encodes a message as JSON, or returns `None` if that is not possible.
pub(super) fn json(message: &impl Serialize) -> Option<Vec<u8>> {
    serde_json::to_vec(&ProtoJson(message)).ok()
}

/// Message whose numbers that are not finite are written as strings, at any depth: "JSON value will
/// be a number or one of the special string values "NaN", "Infinity", and "-Infinity"": ProtoJSON
/// format. `serde_json` writes `null`, and a collector then refuses the whole request.
struct ProtoJson<'a, T: ?Sized>(&'a T);

/// Serializer that writes floating-point numbers, and passes everything else to `S`.
struct ProtoJsonSerializer<S>(S);

impl<T: Serialize + ?Sized> Serialize for ProtoJson<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(ProtoJsonSerializer(serializer))
    }
}

fn word(number: f64) -> Option<&'static str> {
    match number {
        number if number.is_nan() => Some("NaN"),
        f64::INFINITY => Some("Infinity"),
        f64::NEG_INFINITY => Some("-Infinity"),
        _ => None,
    }
}

/// Methods for values that contain no floating-point number.
macro_rules! as_it_is {
    ($($method:ident($($name:ident: $type:ty),*)),* $(,)?) => {
        $(fn $method(self, $($name: $type),*) -> Result<S::Ok, S::Error> {
            self.0.$method($($name),*)
        })*
    };
}

/// Methods for values that contain other values.
macro_rules! around {
    ($($method:ident($($name:ident: $type:ty),*) -> $compound:ident),* $(,)?) => {
        $(fn $method(self, $($name: $type),*) -> Result<Self::$compound, S::Error> {
            self.0.$method($($name),*).map(ProtoJsonSerializer)
        })*
    };
}

impl<S: Serializer> Serializer for ProtoJsonSerializer<S> {
    type Ok = S::Ok;
    type Error = S::Error;
    type SerializeSeq = ProtoJsonSerializer<S::SerializeSeq>;
    type SerializeTuple = ProtoJsonSerializer<S::SerializeTuple>;
    type SerializeTupleStruct = ProtoJsonSerializer<S::SerializeTupleStruct>;
    type SerializeTupleVariant = ProtoJsonSerializer<S::SerializeTupleVariant>;
    type SerializeMap = ProtoJsonSerializer<S::SerializeMap>;
    type SerializeStruct = ProtoJsonSerializer<S::SerializeStruct>;
    type SerializeStructVariant = ProtoJsonSerializer<S::SerializeStructVariant>;

    fn serialize_f32(self, value: f32) -> Result<S::Ok, S::Error> {
        match word(value.into()) {
            Some(word) => self.0.serialize_str(word),
            None => self.0.serialize_f32(value),
        }
    }

    fn serialize_f64(self, value: f64) -> Result<S::Ok, S::Error> {
        match word(value) {
            Some(word) => self.0.serialize_str(word),
            None => self.0.serialize_f64(value),
        }
    }

    as_it_is! {
        serialize_bool(value: bool),
        serialize_i8(value: i8),
        serialize_i16(value: i16),
        serialize_i32(value: i32),
        serialize_i64(value: i64),
        serialize_u8(value: u8),
        serialize_u16(value: u16),
        serialize_u32(value: u32),
        serialize_u64(value: u64),
        serialize_char(value: char),
        serialize_str(value: &str),
        serialize_bytes(value: &[u8]),
        serialize_none(),
        serialize_unit(),
        serialize_unit_struct(name: &'static str),
        serialize_unit_variant(name: &'static str, index: u32, variant: &'static str),
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        self.0.serialize_some(&ProtoJson(value))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        self.0.serialize_newtype_struct(name, &ProtoJson(value))
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        self.0.serialize_newtype_variant(name, index, variant, &ProtoJson(value))
    }

    around! {
        serialize_seq(length: Option<usize>) -> SerializeSeq,
        serialize_tuple(length: usize) -> SerializeTuple,
        serialize_tuple_struct(name: &'static str, length: usize) -> SerializeTupleStruct,
        serialize_tuple_variant(
            name: &'static str, index: u32, variant: &'static str, length: usize
        ) -> SerializeTupleVariant,
        serialize_map(length: Option<usize>) -> SerializeMap,
        serialize_struct(name: &'static str, length: usize) -> SerializeStruct,
        serialize_struct_variant(
            name: &'static str, index: u32, variant: &'static str, length: usize
        ) -> SerializeStructVariant,
    }
}

/// Implementations of the traits for elements of compound values.
macro_rules! adding {
    ($($compound:ident: $($method:ident($($key:ident)?)),+);* $(;)?) => {
        $(impl<S: $compound> $compound for ProtoJsonSerializer<S> {
            type Ok = S::Ok;
            type Error = S::Error;

            $(fn $method<T: Serialize + ?Sized>(
                &mut self,
                $($key: &'static str,)?
                value: &T,
            ) -> Result<(), S::Error> {
                self.0.$method($($key,)? &ProtoJson(value))
            })+

            fn end(self) -> Result<S::Ok, S::Error> {
                self.0.end()
            }
        })*
    };
}

adding! {
    SerializeSeq: serialize_element();
    SerializeTuple: serialize_element();
    SerializeTupleStruct: serialize_field();
    SerializeTupleVariant: serialize_field();
    SerializeMap: serialize_key(), serialize_value();
    SerializeStruct: serialize_field(key);
    SerializeStructVariant: serialize_field(key);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    enum Number {
        One(f64),
        Two(f64, f32),
        Named { more: Vec<Option<f64>>, left_out: Option<f64> },
    }

    #[test]
    fn numbers_that_are_not_finite_are_strings_at_any_depth() {
        let more = vec![Some(f64::INFINITY), Some(f64::NEG_INFINITY), Some(-0.5), None];
        let numbers = vec![
            Number::One(f64::NAN),
            Number::Two(1.5, f32::NEG_INFINITY),
            Number::Named { more, left_out: None },
        ];
        let message = BTreeMap::from([("numbers", (numbers, "NaN?"))]);
        let json = String::from_utf8(json(&message).unwrap()).unwrap();
        assert_eq!(
            json,
            r#"{"numbers":[[{"one":"NaN"},{"two":[1.5,"-Infinity"]},{"named":{"more":["Infinity","-Infinity",-0.5,null],"left_out":null}}],"NaN?"]}"#
        );
    }
}
