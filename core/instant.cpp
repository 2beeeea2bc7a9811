#include "core/instant.hpp"

#include <chrono>

namespace pawl::core {

namespace {

struct Parts {
    int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
    std::int64_t micros = 0;
    bool has_fraction = false;  // other than zeros
    int offset_minutes = 0;
    bool has_offset = false;
};

/// Reads fixed-width fields from the front; `ok` turns false at the first thing that does not fit.
struct Reader {
    std::string_view rest;
    bool ok = true;

    int digits(std::size_t count) {
        if (!ok || rest.size() < count) return fail();
        int value = 0;
        for (std::size_t i = 0; i < count; ++i) {
            if (rest[i] < '0' || rest[i] > '9') return fail();
            value = value * 10 + (rest[i] - '0');
        }
        rest.remove_prefix(count);
        return value;
    }

    void expect(std::string_view any_of) {
        if (!ok || rest.empty() || any_of.find(rest.front()) == std::string_view::npos) {
            fail();
            return;
        }
        rest.remove_prefix(1);
    }

    int fail() {
        ok = false;
        return 0;
    }
};

bool day_exists(const Parts& p) {
    const std::chrono::year_month_day day{std::chrono::year(p.year), std::chrono::month(static_cast<unsigned>(p.month)),
                                          std::chrono::day(static_cast<unsigned>(p.day))};
    return p.year >= 1 && day.ok();
}

void read_date(Reader& in, Parts& p) {
    p.year = in.digits(4);
    in.expect("-");
    p.month = in.digits(2);
    in.expect("-");
    p.day = in.digits(2);
}

void read_fraction(Reader& in, Parts& p) {
    if (in.rest.empty() || in.rest.front() != '.') return;
    in.rest.remove_prefix(1);
    std::int64_t unit = 100'000;
    std::size_t count = 0;
    while (!in.rest.empty() && in.rest.front() >= '0' && in.rest.front() <= '9') {
        p.micros += unit * (in.rest.front() - '0');
        p.has_fraction = p.has_fraction || in.rest.front() != '0';
        unit /= 10;
        in.rest.remove_prefix(1);
        ++count;
    }
    if (count == 0 || count > 18) in.fail();
}

void read_offset(Reader& in, Parts& p) {
    if (in.rest == "Z" || in.rest == "z") {
        in.rest = {};
        p.has_offset = true;
        return;
    }
    const bool west = !in.rest.empty() && in.rest.front() == '-';
    in.expect("+-");
    const int hours = in.digits(2);
    if (in.ok && !in.rest.empty() && in.rest.front() == ':') in.rest.remove_prefix(1);
    const int minutes = in.rest.empty() ? 0 : in.digits(2);
    if (hours > 15 || minutes > 59) in.fail();  // Postgres: time zone displacement out of range beyond 15:59
    p.offset_minutes = (west ? -1 : 1) * (hours * 60 + minutes);
    p.has_offset = true;
}

/// What may be missing of a date-time in ISO 8601.
enum class Reading { rfc3339, iso8601 };

void read_time(Reader& in, Parts& p, Reading reading) {
    in.expect("Tt ");
    p.hour = in.digits(2);
    in.expect(":");
    p.minute = in.digits(2);
    const bool lenient = reading == Reading::iso8601;
    if (!lenient || in.rest.starts_with(':')) {
        in.expect(":");
        p.second = in.digits(2);
        if (in.ok) read_fraction(in, p);
    }
    if (lenient && in.rest == " UTC") in.rest = "Z";
    if (lenient && in.rest.starts_with(' ')) in.rest.remove_prefix(1);
    if (in.ok && !(lenient && in.rest.empty())) read_offset(in, p);
}

std::optional<Parts> read(std::string_view text, Reading reading = Reading::rfc3339) {
    Reader in{text};
    Parts p;
    read_date(in, p);
    if (!in.ok || !day_exists(p)) return std::nullopt;
    if (in.rest.empty()) return p;
    read_time(in, p, reading);
    if (!in.ok || !in.rest.empty() || p.hour > 23 || p.minute > 59 || p.second > 60) return std::nullopt;
    if (p.second == 60 && p.has_fraction) return std::nullopt;  // Postgres: field value out of range
    return p;
}

/// As the clock shows it, counted as if in UTC.
std::int64_t micros_of(const Parts& p) {
    const std::chrono::sys_days day{std::chrono::year_month_day{std::chrono::year(p.year),
                                                                std::chrono::month(static_cast<unsigned>(p.month)),
                                                                std::chrono::day(static_cast<unsigned>(p.day))}};
    const std::int64_t seconds =
        std::int64_t{day.time_since_epoch().count()} * 86'400 + p.hour * 3'600 + p.minute * 60 + p.second;
    return seconds * 1'000'000 + p.micros;
}

}  // namespace

bool is_date(std::string_view text) { return text.size() == 10 && read(text).has_value(); }

bool is_timestamptz(std::string_view text) {
    if (text.size() < 20 || text[4] != '-') return false;  // the cheap answer for nearly all text
    return read(text).has_value();
}

std::optional<std::int64_t> parse_instant(std::string_view text) {
    const auto parts = read(text);
    if (!parts) return std::nullopt;
    return micros_of(*parts) - std::int64_t{parts->offset_minutes} * 60'000'000;
}

std::optional<WrittenTime> read_written_time(std::string_view text) {
    const auto parts = read(text, Reading::iso8601);
    if (!parts) return std::nullopt;
    WrittenTime time{.micros = micros_of(*parts)};
    if (parts->has_offset) time.offset_minutes = parts->offset_minutes;
    return time;
}

}  // namespace pawl::core
