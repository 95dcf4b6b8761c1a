//! The macro `trace!`, and the checks of its literals.

/// Returns the [`Tree`](crate::testing::Tree) of expected spans.
///
/// ```text
/// kind "name" status { attributes } [ children ]
/// ```
///
/// | part | if it is missing | values |
/// | --- | --- | --- |
/// | kind | `internal` | `server`, `client`, `producer`, `consumer`, `internal` |
/// | name | | a string, or `_` for any name |
/// | status | unset | `ok`, `error`, `error "description"` |
/// | attributes | none | `key: value`, separated by commas; a key that is no path of identifiers is a string. `..` at the end allows others |
/// | children | none | trees, separated by commas, in any order; `* count` behind one is the number of such spans. `..` at the end allows others |
///
/// Values are integers, floats, booleans, strings, arrays of strings, [`any()`](crate::testing::any) and
/// [`when(…)`](crate::testing::when). A count is a number, or a range in parentheses: `* 2`, `* (1..)`, `* (1..=3)`. A
/// span with the count 0 must not occur; it is compared only by what is written about it.
///
/// ```
/// use tracing_core_ext::testing::{any, trace};
///
/// let tree = trace! {
///     server "GET /checkout/{item}" { http.response.status_code: 200, shop.item: "7", .. } [
///         client "GET" { server.address: any(), .. } [ .. ] * (1..),
///         "price" error "sold out" { item.id: 7, "price-list": "summer" },
///         "count" * 0,
///     ]
/// };
/// # drop(tree);
/// ```
///
/// A literal that makes no sense does not compile: a kind or a status that does not exist,
///
/// ```compile_fail
/// # use tracing_core_ext::testing::trace;
/// let tree = trace! { servr "GET /" };
/// ```
///
/// ```compile_fail
/// # use tracing_core_ext::testing::trace;
/// let tree = trace! { server "GET /" failed };
/// ```
///
/// a key that occurs twice,
///
/// ```compile_fail
/// # use tracing_core_ext::testing::trace;
/// let tree = trace! { "price" { item.id: 7, item.id: 8 } };
/// ```
///
/// a value that no attribute can have,
///
/// ```compile_fail
/// # use tracing_core_ext::testing::trace;
/// let tree = trace! { "price" { item.id: () } };
/// ```
///
/// an attribute without a value,
///
/// ```compile_fail
/// # use tracing_core_ext::testing::trace;
/// let tree = trace! { "price" { item.id } };
/// ```
///
/// an empty name,
///
/// ```compile_fail
/// # use tracing_core_ext::testing::trace;
/// let tree = trace! { server "" };
/// ```
///
/// `..` before the end,
///
/// ```compile_fail
/// # use tracing_core_ext::testing::trace;
/// let tree = trace! { server "GET /" [ .., "price" ] };
/// ```
///
/// a second root, and a count of the root, which occurs once.
///
/// ```compile_fail
/// # use tracing_core_ext::testing::trace;
/// let tree = trace! { server "GET /", server "GET /" };
/// ```
///
/// ```compile_fail
/// # use tracing_core_ext::testing::trace;
/// let tree = trace! { server "GET /" * 2 };
/// ```
#[doc(hidden)]
#[macro_export]
macro_rules! __trace_tree {
    (@kind $tree:expr, server) => { $tree.kind($crate::testing::__private::SpanKind::Server) };
    (@kind $tree:expr, client) => { $tree.kind($crate::testing::__private::SpanKind::Client) };
    (@kind $tree:expr, producer) => { $tree.kind($crate::testing::__private::SpanKind::Producer) };
    (@kind $tree:expr, consumer) => { $tree.kind($crate::testing::__private::SpanKind::Consumer) };
    (@kind $tree:expr, internal) => { $tree.kind($crate::testing::__private::SpanKind::Internal) };
    (@kind $tree:expr, $other:ident) => {
        compile_error!(concat!(
            "`", stringify!($other),
            "` is no kind of a span: server, client, producer, consumer or internal",
        ))
    };

    (@status $tree:expr, ok) => { $tree.ok() };
    (@status $tree:expr, error) => { $tree.error(None) };
    (@status $tree:expr, error $description:literal) => { $tree.error(Some($description)) };
    (@status $tree:expr, $other:ident $($description:literal)?) => {
        compile_error!(concat!(
            "`", stringify!($other), "` is no status of a span: ok, error or error \"description\"",
        ))
    };

    (@attributes $tree:expr, [$($keys:expr),*]) => {{
        const _: () = $crate::testing::__private::assert_distinct(&[$($keys),*]);
        $tree
    }};
    (@attributes $tree:expr, [$($keys:expr),*] ..) => {
        $crate::__trace_tree!(@attributes $tree.other_attributes(), [$($keys),*])
    };
    (@attributes $tree:expr, [$($keys:expr),*] $key:literal : $value:expr $(, $($rest:tt)*)?) => {
        $crate::__trace_tree!(
            @attributes $tree.attribute($key, $value), [$($keys,)* $key] $($($rest)*)?
        )
    };
    (@attributes $tree:expr, [$($keys:expr),*]
        $first:ident $(. $more:ident)* : $value:expr $(, $($rest:tt)*)?
    ) => {
        $crate::__trace_tree!(
            @attributes
            $tree.attribute(concat!(stringify!($first) $(, ".", stringify!($more))*), $value),
            [$($keys,)* concat!(stringify!($first) $(, ".", stringify!($more))*)]
            $($($rest)*)?
        )
    };
    (@attributes $tree:expr, [$($keys:expr),*] $($other:tt)+) => {
        compile_error!(concat!(
            "expected `key: value` or a final `..`, found `", stringify!($($other)+), "`",
        ))
    };

    (@children $tree:expr,) => { $tree };
    (@children $tree:expr, ..) => { $tree.other_children() };
    (@children $tree:expr,
        $($kind:ident)? $name:literal $($status:ident $($description:literal)?)?
        $({ $($attributes:tt)* })? $([ $($children:tt)* ])? $(* $count:tt)? $(, $($rest:tt)*)?
    ) => {
        $crate::__trace_tree!(
            @children
            $tree.child(
                $crate::__trace_tree!(@count $($count)?),
                $crate::__trace_tree!(
                    @node $crate::__trace_tree!(@name $name), [$($kind)?]
                    [$($status $($description)?)?] $({ $($attributes)* })? $([ $($children)* ])?
                ),
            ),
            $($($rest)*)?
        )
    };
    (@children $tree:expr,
        $($kind:ident)? _ $($status:ident $($description:literal)?)?
        $({ $($attributes:tt)* })? $([ $($children:tt)* ])? $(* $count:tt)? $(, $($rest:tt)*)?
    ) => {
        $crate::__trace_tree!(
            @children
            $tree.child(
                $crate::__trace_tree!(@count $($count)?),
                $crate::__trace_tree!(
                    @node $crate::testing::Tree::unnamed(), [$($kind)?]
                    [$($status $($description)?)?] $({ $($attributes)* })? $([ $($children)* ])?
                ),
            ),
            $($($rest)*)?
        )
    };
    (@children $tree:expr, $($other:tt)+) => {
        compile_error!(concat!(
            "expected `kind \"name\" status { attributes } [ children ] * count` or a final `..`, found `",
            stringify!($($other)+), "`",
        ))
    };

    (@count) => { 1_usize };
    (@count $count:tt) => { $count };

    (@name $name:literal) => {{
        const _: () = assert!(!$name.is_empty(), "the name of a span is not empty; any name is `_`");
        $crate::testing::Tree::named($name)
    }};

    (@node $tree:expr, [] $($rest:tt)*) => { $crate::__trace_tree!(@described $tree, $($rest)*) };
    (@node $tree:expr, [$kind:ident] $($rest:tt)*) => {
        $crate::__trace_tree!(@described $crate::__trace_tree!(@kind $tree, $kind), $($rest)*)
    };
    (@described $tree:expr, [] $($rest:tt)*) => { $crate::__trace_tree!(@blocks $tree, $($rest)*) };
    (@described $tree:expr, [$($status:tt)+] $($rest:tt)*) => {
        $crate::__trace_tree!(@blocks $crate::__trace_tree!(@status $tree, $($status)+), $($rest)*)
    };
    (@blocks $tree:expr, { $($attributes:tt)* } $($rest:tt)*) => {
        $crate::__trace_tree!(
            @blocks
            $crate::__trace_tree!(@attributes $tree.with_attributes(), [] $($attributes)*),
            $($rest)*
        )
    };
    (@blocks $tree:expr, [ $($children:tt)* ]) => {
        $crate::__trace_tree!(@children $tree.with_children(), $($children)*)
    };
    (@blocks $tree:expr,) => { $tree };

    ($($kind:ident)? $name:literal $($status:ident $($description:literal)?)?
        $({ $($attributes:tt)* })? $([ $($children:tt)* ])? $(,)?
    ) => {
        $crate::__trace_tree!(
            @node $crate::__trace_tree!(@name $name), [$($kind)?]
            [$($status $($description)?)?] $({ $($attributes)* })? $([ $($children)* ])?
        )
    };
    ($($kind:ident)? _ $($status:ident $($description:literal)?)?
        $({ $($attributes:tt)* })? $([ $($children:tt)* ])? $(,)?
    ) => {
        $crate::__trace_tree!(
            @node $crate::testing::Tree::unnamed(), [$($kind)?]
            [$($status $($description)?)?] $({ $($attributes)* })? $([ $($children)* ])?
        )
    };
    ($($other:tt)*) => {
        compile_error!(
            "expected one root: kind \"name\" status { attributes } [ children ]"
        )
    };
}

/// Fails at compile time if a key occurs twice.
pub const fn assert_distinct(keys: &[&str]) {
    let mut first = 0;
    while first < keys.len() {
        let mut second = first + 1;
        while second < keys.len() {
            assert!(!is_equal(keys[first], keys[second]), "a key of an attribute occurs twice");
            second += 1;
        }
        first += 1;
    }
}

const fn is_equal(left: &str, right: &str) -> bool {
    let (left, right) = (left.as_bytes(), right.as_bytes());
    if left.len() != right.len() {
        return false;
    }
    let mut index = 0;
    while index < left.len() {
        if left[index] != right[index] {
            return false;
        }
        index += 1;
    }
    true
}
