#include "worker/link_parameters.hpp"

#include "core/characters.hpp"
#include "core/link_header.hpp"

namespace pawl::worker {

namespace {

std::string percent_decoded(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const int byte = text[i] == '%' ? core::hex_number(text, i + 1, 2) : -1;
        if (byte >= 0) {
            out += static_cast<char>(byte);
            i += 2;
        } else {
            out += text[i] == '+' ? ' ' : text[i];
        }
    }
    return out;
}

core::Value parameter_value(std::string text, core::Arena& arena) {
    const bool number = !text.empty() && text.size() <= 18 && text.find_first_not_of("0123456789") == std::string::npos &&
                        (text.size() == 1 || text.front() != '0');
    core::Value value;
    value.kind = number ? core::Value::Kind::number : core::Value::Kind::text;
    value.text = arena.keep(std::move(text));
    return value;
}

}  // namespace

core::NamedValues link_parameters(std::string_view link_header, core::Arena& arena) {
    core::NamedValues values;
    if (link_header.empty()) return values;
    for (const auto& link : core::parse_link_header(link_header)) {
        std::string_view target = link.target;
        target = target.substr(0, target.find('#'));
        const auto mark = target.find('?');
        if (mark == std::string_view::npos) continue;
        std::string_view query = target.substr(mark + 1);
        while (!query.empty()) {
            const auto pair = query.substr(0, query.find('&'));
            query.remove_prefix(std::min(query.size(), pair.size() + 1));
            const auto equals = pair.find('=');
            if (equals == std::string_view::npos) continue;
            const auto value = parameter_value(percent_decoded(pair.substr(equals + 1)), arena);
            for (const auto& relation : link.relations)
                values.entries.emplace_back(relation + "." + percent_decoded(pair.substr(0, equals)), value);
        }
    }
    return values;
}

}  // namespace pawl::worker
