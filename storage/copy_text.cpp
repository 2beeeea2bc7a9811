#include "storage/copy_text.hpp"

#include <array>
#include <charconv>

#include "core/identity.hpp"
#include "storage/copy_json.hpp"
#include "storage/special_bytes.hpp"
#include "storage/time_text.hpp"

namespace pawl::storage {

namespace {

using core::ColumnType;
using core::Value;

constexpr std::string_view replacement = "\xEF\xBF\xBD";  // U+FFFD

bool is_bigint(std::string_view text) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc() && end == text.data() + text.size();
}

bool is_float8(std::string_view text) {
    double number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc() && end == text.data() + text.size() && number - number == 0;
}

Encoded append_if(std::string& out, bool storable, std::string_view text) {
    if (!storable) return Encoded::misfit;
    out += text;
    return Encoded::ok;
}

Encoded append_boolean(std::string& out, const Value& value, bool asked) {
    std::string_view text = value.text;
    if (value.kind != Value::Kind::boolean) {
        if (!asked) return Encoded::misfit;
        if (text == "1" || text == "True" || text == "TRUE") text = "true";
        if (text == "0" || text == "False" || text == "FALSE") text = "false";
    }
    if (text != "true" && text != "false") return Encoded::misfit;
    out += text[0];
    return Encoded::ok;
}

Encoded append_timestamptz(std::string& out, std::string_view text, bool asked) {
    if (is_date(text)) {
        out.append(text).append(" 00:00:00+00");
        return Encoded::ok;
    }
    const TimeText form = time_text(text);
    if (form == TimeText::no || (form == TimeText::without_offset && !asked))
        return Encoded::misfit;
    out += text;
    if (form == TimeText::without_offset) out += "+00";
    return Encoded::ok;
}

Encoded append_jsonb(std::string& out, const Value& value) {
    switch (value.kind) {
        case Value::Kind::text:
            return append_json_string(out, value.text);
        case Value::Kind::json:
            return append_json(out, value.text);
        case Value::Kind::number:
            return append_if(out, is_storable_number(value.text), value.text);
        default:
            return append_if(out, true, value.text);
    }
}

}  // namespace

Encoded append_copy_text(std::string& out, std::string_view text) {
    const char* const end = text.data() + text.size();
    const char* at = text.data();
    bool repaired = false;
    while (true) {
        const char* const special = find_special<false>(at, end);
        out.append(at, special);
        if (special == end) break;
        switch (*special) {
            case '\\':
                out += "\\\\";
                break;
            case '\n':
                out += "\\n";
                break;
            case '\r':
                out += "\\r";
                break;
            case '\t':
                out += "\\t";
                break;
            case '\0':
                out += replacement;
                repaired = true;
                break;
            default:
                out += *special;
        }
        at = special + 1;
    }
    return repaired ? Encoded::repaired : Encoded::ok;
}

void append_copy_integer(std::string& out, std::int64_t number) {
    std::array<char, 20> digits;
    const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), number);
    if (error == std::errc()) out.append(digits.data(), end);
}

Encoded append_copy(std::string& out, const Value& value, ColumnType type) {
    using Kind = Value::Kind;
    if (value.kind == Kind::null) {
        out += "\\N";
        return Encoded::ok;
    }
    if (type == ColumnType::text) return append_copy_text(out, value.text);
    if (type == ColumnType::jsonb) return append_jsonb(out, value);
    if (value.kind == Kind::json) return Encoded::misfit;

    const std::string_view text = value.text;
    const bool asked = value.as.has_value();
    const bool number = value.kind == Kind::number || (value.kind == Kind::text && asked);
    switch (type) {
        case ColumnType::boolean:
            return append_boolean(out, value, asked);
        case ColumnType::bigint:
            return append_if(out, number && is_bigint(text), text);
        case ColumnType::numeric:
            return append_if(out, number && is_storable_number(text), text);
        case ColumnType::float8:
            return append_if(out, number && is_float8(text), text);
        case ColumnType::uuid:
            return append_if(out, value.kind == Kind::text && core::Token::parse(text), text);
        case ColumnType::date:
            if (value.kind != Kind::text) return Encoded::misfit;
            if (asked && time_text(text) != TimeText::no)
                return append_if(out, true, text.substr(0, 10));
            return append_if(out, is_date(text), text);
        case ColumnType::timestamptz:
            if (value.kind != Kind::text) return Encoded::misfit;
            return append_timestamptz(out, text, asked);
        default:
            return Encoded::misfit;
    }
}

}  // namespace pawl::storage
