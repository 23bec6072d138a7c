//! What an argon2 hash costs.

use std::fmt;

use super::format;

/// The most memory, in KiB: 1 GiB.
pub(super) const MOST_MEMORY: u32 = 1024 * 1024;
/// The most iterations, and the most lanes.
const MOST_ITERATIONS: u32 = 100;
const MOST_PARALLELISM: u32 = 16;

/// What an argon2 hash costs, written `m=19456,t=2,p=1`.
///
/// By default what OWASP recommends: 19 MiB and two iterations, 14 to 20 ms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameters {
    /// KiB.
    pub(super) memory: u32,
    pub(super) iterations: u32,
    pub(super) parallelism: u32,
}

impl Parameters {
    /// Reads all three in this order: `m` of 8 for each lane to 1048576 KiB, `t` of 1 to 100, `p` of 1 to 16 lanes. `None`:
    /// they are not that.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let parameters = Self::read(text)?;
        let Self { memory, iterations, parallelism } = parameters;
        let bounded = memory <= MOST_MEMORY && iterations <= MOST_ITERATIONS && parallelism <= MOST_PARALLELISM;
        bounded.then_some(parameters)
    }

    /// Reads any that argon2 can be computed with.
    pub(super) fn read(text: &str) -> Option<Self> {
        let [memory, iterations, parallelism] = format::named(text, ["m", "t", "p"])?;
        let possible = parallelism <= argon2::Params::MAX_P_COST && memory >= 8 * parallelism;
        possible.then_some(Self { memory, iterations, parallelism })
    }

    /// Whether none of the three is lower than the other's.
    pub(super) fn reach(self, other: Self) -> bool {
        let Self { memory, iterations, parallelism } = self;
        memory >= other.memory && iterations >= other.iterations && parallelism >= other.parallelism
    }
}

impl Default for Parameters {
    fn default() -> Self {
        Self { memory: 19_456, iterations: 2, parallelism: 1 }
    }
}

impl fmt::Display for Parameters {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { memory, iterations, parallelism } = self;
        write!(formatter, "m={memory},t={iterations},p={parallelism}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_read_as_they_are_written() {
        assert_eq!(Parameters::default().to_string(), "m=19456,t=2,p=1");
        for text in ["m=19456,t=2,p=1", "m=8,t=1,p=1", "m=128,t=1,p=16", "m=1048576,t=100,p=16"] {
            assert_eq!(Parameters::parse(text).map(|parameters| parameters.to_string()).as_deref(), Some(text));
        }
    }

    #[test]
    fn others_are_refused() {
        for text in [
            "",
            "m=7,t=1,p=1",
            "m=15,t=1,p=2",
            "m=0,t=1,p=1",
            "m=8,t=0,p=1",
            "m=8,t=1,p=0",
            "m=1048577,t=1,p=1",
            "m=8,t=101,p=1",
            "m=1048576,t=1,p=17",
            "m=4294967295,t=1,p=4294967295",
            "m=4294967296,t=1,p=1",
            "m=8,t=1",
            "m=8,p=1,t=1",
            "m=8,t=1,p=1,",
            "m=8,t=1,p=1,keyid=AAAA",
            "m=8, t=1, p=1",
            "m=8,t=1,p=+1",
            "m=08,t=1,p=1",
            "M=8,t=1,p=1",
            "m=８,t=1,p=1",
            "m8,t1,p1",
        ] {
            assert_eq!(Parameters::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_lower_one_of_three_is_not_made_up_for() {
        let read = |text| Parameters::parse(text).unwrap();
        for (text, reaches) in [
            ("m=64,t=2,p=2", true),
            ("m=65,t=3,p=4", true),
            ("m=63,t=9,p=2", false),
            ("m=640,t=1,p=2", false),
            ("m=640,t=2,p=1", false),
        ] {
            assert_eq!(read(text).reach(read("m=64,t=2,p=2")), reaches, "{text}");
        }
    }
}
