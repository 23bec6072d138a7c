//! Phone numbers: stored as country code and national digits, matched by E.164. libphonenumber knows the countries' rules.

use std::fmt;

use rlibphonenumber::{CountryCodeSource, NumberLengthType, PHONE_NUMBER_UTIL, ParseError, Region};

use crate::validate::text;

/// The most characters a number is written with: the longest has 17 digits, and nobody needs more than this around them.
const WRITTEN_CHARACTERS: usize = 64;
/// The most prefixes taken off one number, more than its digits.
const MOST_PREFIXES: usize = 20;

/// A country calling code that exists, such as +86. Some, such as +800, are of no country.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallingCode(u16);

impl CallingCode {
    /// What `roster.default.toml` has.
    const USUAL: Self = Self(86);

    /// Reads a code written `86` or `+86`.
    ///
    /// # Errors
    /// What is wrong with it, as the end of a sentence.
    pub fn parse(written: &str) -> Result<Self, String> {
        let digits = written.strip_prefix('+').unwrap_or(written);
        // The number's own parser would let another + and leading zeros pass.
        let plain = digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
        let code = if plain { digits.parse().ok().map(Self) } else { None };
        // The usual one is known to exist: libphonenumber's tables take 8 MB, and not everybody's users have phones.
        let known = code.filter(|code| *code == Self::USUAL || code.region().is_some());
        known.ok_or_else(|| "must be a country calling code, such as +86".to_owned())
    }

    /// The country, or the first of those that share the code.
    fn region(self) -> Option<Region> {
        PHONE_NUMBER_UTIL.get_region_for_country_code(i32::from(self.0))
    }
}

impl fmt::Display for CallingCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "+{}", self.0)
    }
}

/// What is wrong with a phone number, as the end of a sentence about one of the two fields that write it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PhoneError {
    /// About the number.
    Phone(String),
    /// About the country code.
    Code(String),
}

impl PhoneError {
    fn phone(description: &str) -> Self {
        Self::Phone(description.to_owned())
    }
}

/// A phone number in its forms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phone {
    /// Its country code.
    pub code: CallingCode,
    /// Its digits within the country, without a trunk prefix.
    pub national: String,
    /// What it is unique and matched by: `+`, code and national digits.
    pub e164: String,
}

impl Phone {
    /// Checks the characters of a number whose country is not known yet.
    ///
    /// # Errors
    /// What is wrong with it, as the end of a sentence.
    pub fn check(written: &str) -> Result<(), String> {
        text::at_most(written, WRITTEN_CHARACTERS)?;
        let written = written.trim_matches(' ');
        let rest = written.strip_prefix('+').unwrap_or(written);
        if !rest.bytes().all(|byte| byte.is_ascii_digit() || b" -().".contains(&byte)) {
            return Err("must be written with digits, spaces, - ( ) . and one leading + only".to_owned());
        }
        if rest.bytes().any(|byte| byte.is_ascii_digit()) { Ok(()) } else { Err("must have digits".to_owned()) }
    }

    /// Reads a number. A leading `+` names its country, else it is of `code`, else of `default`.
    ///
    /// Whether its country has given it out is not asked: only the number of digits has to be one that the country has.
    ///
    /// # Errors
    /// What is wrong, and with which of the two fields.
    pub fn parse(written: &str, code: Option<CallingCode>, default: CallingCode) -> Result<Self, PhoneError> {
        Self::check(written).map_err(PhoneError::Phone)?;
        let digits: String = written.chars().filter(char::is_ascii_digit).collect();
        if written.contains('+') {
            let phone = Self::read(&format!("+{digits}"))?;
            if code.is_some_and(|code| code != phone.code) {
                return Err(PhoneError::Code("must be the one that the phone number starts with, or be left out".to_owned()));
            }
            return Ok(phone);
        }
        // Always read as if with a +. From national digits libphonenumber also guesses whether they start with an international
        // prefix or a code without its +, so that some stored numbers would be read as others.
        let code = code.unwrap_or(default);
        let phone = Self::read(&format!("{code}{digits}"))?;
        // 001 650 253 0000 dialled in China is a number of the USA. Without its zeros it would be another's number in China. Where
        // nothing was taken off nothing can be mistaken so, and stored digits always pass.
        if phone.national != digits && dials_abroad(&digits, code) {
            return Err(PhoneError::phone("must start with + if it names a country"));
        }
        Ok(phone)
    }

    /// Reads `+` and digits.
    fn read(international: &str) -> Result<Self, PhoneError> {
        let mut phone = Self::strip(international)?;
        // Of two trunk prefixes libphonenumber takes one. Stored like that, the number would be another when read again.
        for _ in 0..MOST_PREFIXES {
            let again = Self::strip(&phone.e164)?;
            if again == phone {
                return Ok(phone);
            }
            phone = again;
        }
        Err(PhoneError::phone("must be a phone number"))
    }

    /// Reads `+` and digits without at most one trunk prefix.
    fn strip(international: &str) -> Result<Self, PhoneError> {
        let wrong_length = || PhoneError::phone("must have as many digits as phone numbers of its country have");
        let unknown_code = || PhoneError::phone("must have a country calling code after the +");
        let number = PHONE_NUMBER_UTIL.parse(international, None).map_err(|error| match error {
            ParseError::InvalidCountryCode => unknown_code(),
            _ => wrong_length(),
        })?;
        if !matches!(number.is_possible_with_reason(), Ok(NumberLengthType::IsPossible)) {
            return Err(wrong_length());
        }
        let code = CallingCode(u16::try_from(number.country_code).map_err(|_| unknown_code())?);
        let national = number.get_national_significant_number();
        let e164 = format!("{code}{national}");
        Ok(Self { code, national, e164 })
    }
}

/// Whether the digits start with what one dials in the code's country to reach another.
fn dials_abroad(digits: &str, code: CallingCode) -> bool {
    match PHONE_NUMBER_UTIL.parse_and_keep_raw_input(digits, code.region()) {
        Ok(number) => number.country_code_source() == CountryCodeSource::FromNumberWithIdd,
        // What follows the prefix is no number.
        Err(error) => matches!(error, ParseError::InvalidCountryCode | ParseError::TooShortAfterIdd),
    }
}

#[cfg(test)]
mod tests {
    use rlibphonenumber::{PhoneNumberFormat, PhoneNumberType};

    use super::*;

    fn code(written: &str) -> CallingCode {
        CallingCode::parse(written).unwrap()
    }

    fn read(written: &str, given: &str) -> Result<String, PhoneError> {
        Phone::parse(written, (!given.is_empty()).then(|| code(given)), code("86")).map(|phone| phone.e164)
    }

    fn reads_back(phone: &Phone) {
        let other = if phone.code == code("1") { code("49") } else { code("1") };
        assert_eq!(Phone::parse(&phone.national, Some(phone.code), other).as_ref(), Ok(phone));
        assert_eq!(Phone::parse(&phone.national, None, phone.code).as_ref(), Ok(phone));
        assert_eq!(Phone::parse(&phone.e164, None, other).as_ref(), Ok(phone));
        assert_eq!(Phone::parse(&phone.e164, Some(phone.code), other).as_ref(), Ok(phone));
    }

    #[test]
    fn codes_are_those_that_exist() {
        for (written, shown) in
            [("86", "+86"), ("+86", "+86"), ("1", "+1"), ("+378", "+378"), ("800", "+800"), ("+979", "+979")]
        {
            assert_eq!(code(written).to_string(), shown);
        }
        assert!(CallingCode::USUAL.region().is_some());
        for written in ["", "+", "++86", "086", "0086", "86 ", "８６", "CN", "-86", "999", "210", "8612", "99999999999"] {
            assert!(CallingCode::parse(written).is_err(), "{written:?}");
        }
    }

    #[test]
    fn numbers_of_many_countries_lose_their_trunk_prefix() {
        for (given, written, national) in [
            ("86", "188 1234 8888", "18812348888"),
            ("86", "010-6552 9988", "1065529988"),
            ("1", "(650) 253-0000", "6502530000"),
            ("1", "1-650-253-0000", "6502530000"),
            ("44", "07911 123456", "7911123456"),
            ("39", "06 1234 5678", "0612345678"),
            ("39", "312 345 6789", "3123456789"),
            ("49", "030 123456", "30123456"),
            ("33", "06 12 34 56 78", "612345678"),
            ("81", "090-1234-5678", "9012345678"),
            ("55", "(011) 96123-4567", "11961234567"),
            ("55", "0 15 11 96123-4567", "11961234567"),
            ("52", "200 123 4567", "2001234567"),
            ("54", "011 15-2345-6789", "91123456789"),
            ("54", "9 11 2345-6789", "91123456789"),
            ("7", "8 (912) 345-67-89", "9123456789"),
            ("7", "8 (771) 000 9998", "7710009998"),
            ("91", "081234 56789", "8123456789"),
            ("82", "010-2000-0000", "1020000000"),
            ("378", "0549 886377", "0549886377"),
            ("378", "886377", "0549886377"),
            ("39", "06 698 12345", "0669812345"),
            ("225", "01 23 45 67 89", "0123456789"),
            ("36", "06 20 123 4567", "201234567"),
            ("370", "8 612 34567", "61234567"),
            ("370", "0 612 34567", "61234567"),
            ("800", "1234 5678", "12345678"),
        ] {
            let phone =
                Phone::parse(written, Some(code(given)), code("86")).unwrap_or_else(|error| panic!("{written} {error:?}"));
            assert_eq!((phone.code, phone.national.as_str()), (code(given), national), "{written}");
            assert_eq!(phone.e164, format!("+{given}{national}"));
            reads_back(&phone);
        }
    }

    #[test]
    fn what_countries_write_themselves_reads_back() {
        let types = [PhoneNumberType::FixedLine, PhoneNumberType::Mobile];
        let mut read = 0;
        for region in PHONE_NUMBER_UTIL.get_supported_regions() {
            let examples =
                types.iter().filter_map(|kind| PHONE_NUMBER_UTIL.get_example_number_for_type_and_region(region, *kind).ok());
            for example in examples {
                let own = code(&example.country_code.to_string());
                let national = example.format_as(PhoneNumberFormat::National);
                let phone =
                    Phone::parse(&national, Some(own), code("86")).unwrap_or_else(|error| panic!("{national} {error:?}"));
                assert_eq!(phone.national, example.get_national_significant_number(), "{national}");
                reads_back(&phone);
                read += 1;
            }
        }
        assert!(read > 400, "{read}");
    }

    #[test]
    fn numbers_nobody_has_read_back_too() {
        for all in PHONE_NUMBER_UTIL.get_supported_calling_codes() {
            for start in ["", "0", "00", "000", "1", "8", "80", "810", "011", "15", "0015"] {
                for digits in 2..=15 {
                    let written = format!("+{all}{start}{}", &"246813579246813"[..digits]);
                    if let Ok(phone) = Phone::parse(&written, None, code("86")) {
                        reads_back(&phone);
                    }
                }
            }
        }
    }

    #[test]
    fn a_plus_names_the_country() {
        for given in ["", "44", "+44"] {
            assert_eq!(read(" +44 (0) 7911-123.456 ", given).as_deref(), Ok("+447911123456"));
        }
        assert!(matches!(read("+44 7911 123456", "86"), Err(PhoneError::Code(_))));
        assert!(matches!(read("+1 242 365 1234", "7"), Err(PhoneError::Code(_))));
        for written in ["+999 1234 5678", "+0 123 4567", "+", "+8", "+86", "+44 7911"] {
            assert!(matches!(read(written, "86"), Err(PhoneError::Phone(_))), "{written}");
        }
    }

    #[test]
    fn a_number_alone_is_of_the_default_country() {
        assert_eq!(read("18812348888", "").as_deref(), Ok("+8618812348888"));
        assert_eq!(read("07911123456", "44").as_deref(), Ok("+447911123456"));
    }

    #[test]
    fn numbers_need_not_be_given_out() {
        assert_eq!(read("+11111111111", "").as_deref(), Ok("+11111111111"));
        assert_eq!(read("1111111111", "1").as_deref(), Ok("+11111111111"));
        assert_eq!(read("11111111111", "1").as_deref(), Ok("+11111111111"));
        assert_eq!(read("19999999999", "86").as_deref(), Ok("+8619999999999"));
    }

    #[test]
    fn numbers_have_their_countrys_length() {
        for (given, written) in [
            ("86", "1"),
            ("86", "110"),
            ("86", "1881234888899"),
            ("86", "1881234888812345678901234567890"),
            ("1", "253-0000"),
            ("1", "310-1234"),
            ("44", "999"),
            ("86", "8618812348888"),
            ("800", "1234567"),
        ] {
            assert!(matches!(read(written, given), Err(PhoneError::Phone(_))), "{written}");
        }
    }

    #[test]
    fn an_international_prefix_is_no_trunk_prefix() {
        for (given, written) in
            [("86", "001 650 253 0000"), ("49", "0079111234567"), ("44", "00 1 650 253 0000"), ("1", "011 44 7911 123456")]
        {
            assert!(matches!(read(written, given), Err(PhoneError::Phone(_))), "{written}");
        }
    }

    #[test]
    fn numbers_are_written_in_digits_and_separators() {
        for written in ["1", " +1 (650) 253-0000 ", "650.253.0000", "-.1", &"1".repeat(64)] {
            assert_eq!(Phone::check(written), Ok(()), "{written:?}");
        }
        let crowded = "+ () 1-800-FLOWERS 188xxxx8888 1ext.2 1;2 1,2 1/2 *1 #1 ++1 1+2 (+1) １２３ ١٢٣";
        for written in crowded.split(' ').chain(["", " ", "1\t2", "1 ext. 2", "+ +1"]) {
            assert!(Phone::check(written).is_err(), "{written:?}");
            assert!(matches!(read(written, "1"), Err(PhoneError::Phone(_))), "{written:?}");
        }
        assert!(Phone::check(&"1".repeat(65)).is_err());
    }
}
