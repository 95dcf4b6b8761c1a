use crate::role::Role;

const USAGE: &str = "usage: shop [--serve] [--port N]";

/// What the command line asks for.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Options {
    /// Be this service; none for the parent.
    pub(crate) role: Option<Role>,
    /// Where the service, or the parent's gateway, listens.
    pub(crate) port: Option<u16>,
    /// The URL of the service the service calls.
    pub(crate) next: Option<String>,
    /// Keep running.
    pub(crate) serve: bool,
}

impl Options {
    /// Reads the arguments behind the name of the program.
    pub(crate) fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self::default();
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or(format!("{argument} needs a value; {USAGE}"));
            match argument.as_str() {
                "--serve" => options.serve = true,
                "--port" => options.port = Some(port(&value()?)?),
                "--role" => options.role = Some(role(&value()?)?),
                "--next" => options.next = Some(value()?),
                _ => return Err(format!("{argument} is not known; {USAGE}")),
            }
        }
        Ok(options)
    }
}

fn port(value: &str) -> Result<u16, String> {
    value.parse().map_err(|_| format!("--port {value}: expected a number up to 65535"))
}

fn role(value: &str) -> Result<Role, String> {
    let role = Role::ALL.into_iter().find(|role| role.name() == value);
    role.ok_or_else(|| format!("--role {value}: expected gateway, inventory or pricing"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options, String> {
        Options::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn a_role_is_read_with_its_port_and_its_next() {
        let expected = Options {
            role: Some(Role::Inventory),
            port: Some(7),
            next: Some("http://a".to_owned()),
            serve: false,
        };
        assert_eq!(parse("--role inventory --port 7 --next http://a"), Ok(expected));
    }

    #[test]
    fn a_wrong_argument_is_named() {
        for (line, named) in [
            ("--loud", "--loud is not known"),
            ("--port", "--port needs a value"),
            ("--port many", "--port many: expected a number"),
            ("--role baker", "--role baker: expected gateway"),
        ] {
            assert!(parse(line).unwrap_err().starts_with(named), "{line}");
        }
    }
}
