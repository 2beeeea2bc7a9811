#include "core/decoded.hpp"

#include "core/decode_csv.hpp"
#include "core/decode_jsonl.hpp"
#include "core/decode_rows.hpp"
#include "core/decode_text.hpp"
#include "core/decode_xml.hpp"
#include "core/json_array.hpp"
#include "core/unicode.hpp"

namespace pawl::core {

namespace {

std::string as_json(const Stream& stream, std::string body) {
    switch (stream.decode) {
        case Stream::Decode::json: break;
        case Stream::Decode::jsonl: return jsonl_as_json(std::move(body));
        case Stream::Decode::csv: return csv_as_json(stream.csv, with_utf8(std::move(body)));
        case Stream::Decode::xml: return xml_as_json(stream.xml, with_utf8(std::move(body)));
        case Stream::Decode::text: return text_as_json(stream.text_records, with_utf8(std::move(body)));
    }
    return body;
}

}  // namespace

std::string decoded(const Stream& stream, std::string body) {
    body = as_json(stream, std::move(body));
    if (!stream.records || !stream.row_columns) return body;
    return rows_as_objects(*stream.records, *stream.row_columns, std::move(body), decoded_bounds(stream));
}

JsonBounds decoded_bounds(const Stream& stream) {
    JsonBounds bounds;
    if (stream.decode != Stream::Decode::json || stream.row_columns) bounds.bytes_max = decoded_bytes_max;
    return bounds;
}

std::string_view format_name(Stream::Decode decode) {
    switch (decode) {
        case Stream::Decode::json: return "JSON";
        case Stream::Decode::jsonl: return "JSON lines";
        case Stream::Decode::csv: return "CSV";
        case Stream::Decode::xml: return "XML";
        case Stream::Decode::text: return "text";
    }
    return "";
}

}  // namespace pawl::core
