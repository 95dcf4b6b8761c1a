//! Types of responses that are documented at their declaration.

/// Declares structures that are serialized with camel-case names. The documentation of each is the
/// constant `DOC`.
macro_rules! described {
    ($(
        #[doc = $meaning:literal]
        struct $name:ident {
            $(#[doc = $about:literal] $field:ident: $type:ty,)*
        }
    )*) => { $(
        #[doc = $meaning]
        #[derive(Debug, serde::Serialize)]
        #[serde(rename_all = "camelCase")]
        pub(in crate::web) struct $name {
            $(#[doc = $about] pub(in crate::web) $field: $type,)*
        }

        impl $name {
            pub(super) const DOC: TypeDoc = TypeDoc {
                name: stringify!($name),
                meaning: $meaning,
                fields: &[$((stringify!($field), stringify!($type), $about)),*],
            };
        }
    )* };
}

pub(super) use described;
