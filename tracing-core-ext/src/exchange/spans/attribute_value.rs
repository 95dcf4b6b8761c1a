use std::{borrow::Cow, sync::Arc};

use opentelemetry::{Array, StringValue, Value};

/// Value of an attribute: everything that OpenTelemetry accepts, every type of number, and lists.
///
/// An integer outside the range of signed 64 bits becomes a string (OpenTelemetry specification, "Mapping to
/// `AnyValue`").
///
/// ```
/// use opentelemetry::Value;
/// use tracing_core_ext::exchange::AttributeValue;
///
/// assert_eq!(7_u8.into_value(), Value::I64(7));
/// assert_eq!(u64::MAX.into_value(), Value::from("18446744073709551615"));
/// ```
pub trait AttributeValue {
    /// Converts this into a value of OpenTelemetry.
    fn into_value(self) -> Value;
}

macro_rules! as_they_are {
    ($($type:ty),*) => {$(
        impl AttributeValue for $type {
            fn into_value(self) -> Value {
                self.into()
            }
        }
    )*};
}

macro_rules! integers {
    ($($type:ty),*) => {$(
        impl AttributeValue for $type {
            fn into_value(self) -> Value {
                i64::try_from(self).map_or_else(|_| self.to_string().into(), Value::I64)
            }
        }
    )*};
}

macro_rules! lists {
    ($($type:ty),*) => {$(
        impl AttributeValue for Vec<$type> {
            fn into_value(self) -> Value {
                Value::Array(self.into())
            }
        }
    )*};
}

as_they_are!(bool, i64, f64, &'static str, String, Arc<str>, Cow<'static, str>, StringValue, Value);
integers!(i8, i16, i32, i128, isize, u8, u16, u32, u64, u128, usize);
lists!(bool, i64, f64, StringValue);

impl AttributeValue for f32 {
    fn into_value(self) -> Value {
        f64::from(self).into()
    }
}

impl AttributeValue for Array {
    fn into_value(self) -> Value {
        Value::Array(self)
    }
}

#[cfg(test)]
mod tests {
    use crate::exchange::spans::attribute_value::*;

    #[test]
    fn every_integer_that_fits_is_one() {
        let numbers = [
            i8::MIN.into_value(),
            i16::MIN.into_value(),
            i32::MIN.into_value(),
            (-1_isize).into_value(),
            u8::MAX.into_value(),
            u16::MAX.into_value(),
            u32::MAX.into_value(),
            7_u64.into_value(),
            8_usize.into_value(),
            (-9_i128).into_value(),
            10_u128.into_value(),
        ];
        let expected =
            [-128, -32_768, -2_147_483_648, -1, 255, 65_535, 4_294_967_295, 7, 8, -9, 10];
        assert_eq!(numbers, expected.map(Value::I64));
    }

    #[test]
    fn an_integer_that_does_not_fit_is_its_digits() {
        assert_eq!(u64::MAX.into_value(), Value::from("18446744073709551615"));
        assert_eq!(i64::MAX.into_value(), Value::I64(i64::MAX));
        assert_eq!(i128::MIN.into_value(), Value::from("-170141183460469231731687303715884105728"));
    }

    #[test]
    fn lists_and_floating_point_numbers_are_values() {
        assert_eq!(0.5_f32.into_value(), Value::F64(0.5));
        assert_eq!(vec![1_i64, 2].into_value(), Value::Array(Array::I64(vec![1, 2])));
    }
}
