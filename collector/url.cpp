#include "collector/url.hpp"

#include <boost/url/parse.hpp>
#include <boost/url/url.hpp>
#include <cctype>
#include <vector>

#include "core/errors.hpp"
#include "core/percent_encoding.hpp"
#include "core/redact.hpp"

namespace pawl::collector {

namespace urls = boost::urls;

namespace {

constexpr std::size_t url_bytes_max =
    16'384;  // servers refuse far less; keeps a hostile next link small

[[noreturn]] void refuse(std::string_view url, const std::string& why) {
    throw core::PermanentError(why + ": " + core::redact(url.substr(0, 200)));
}

void append_encoded(std::string& out, unsigned char byte) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    out += '%';
    out += digits[byte >> 4];
    out += digits[byte & 15];
}

// Browsers and servers are lenient about these, the grammar is not: encode them instead of refusing
// a next link.
std::string encode_illegal(std::string_view text) {
    constexpr std::string_view illegal = " \"<>\\^`{|}";
    std::string out;
    out.reserve(text.size());
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte == 0x7f) refuse("", "A URL holds a control character");
        if (byte >= 0x80 || illegal.find(c) != std::string_view::npos)
            append_encoded(out, byte);
        else
            out += c;
    }
    return out;
}

urls::url parse_http(std::string_view text) {
    if (text.size() > url_bytes_max) refuse(text, "A URL is too long");
    const auto parsed = urls::parse_uri(text);
    if (!parsed) refuse(text, "Not an absolute URL");
    urls::url url(*parsed);
    if (url.scheme_id() != urls::scheme::http && url.scheme_id() != urls::scheme::https)
        refuse(text, "Only http and https are asked");
    if (url.encoded_host().empty()) refuse(text, "A URL without a host");
    if (url.has_userinfo()) refuse(text, "A URL must not hold a user name or password");
    return url;
}

std::string text_of(urls::url& url) {
    url.remove_fragment();
    return std::string(url.buffer().data(), url.buffer().size());
}

// The parameters of a query, as they stand, without those called `name` (encoded); `kept_at` gets
// the first one's place.
std::vector<std::string_view> other_parameters(std::string_view query, std::string_view name,
                                               std::size_t* kept_at) {
    std::vector<std::string_view> others;
    while (!query.empty()) {
        const auto end = query.find('&');
        const auto parameter = query.substr(0, end);
        query = end == std::string_view::npos ? std::string_view{} : query.substr(end + 1);
        if (parameter.substr(0, parameter.find('=')) != name)
            others.push_back(parameter);
        else if (kept_at && *kept_at == std::string_view::npos)
            *kept_at = others.size();
    }
    return others;
}

std::string join_query(std::string_view url, const std::vector<std::string_view>& parameters) {
    std::string out(url.substr(0, url.find('?')));
    char separator = '?';
    for (const auto parameter : parameters) {
        out += separator;
        out += parameter;
        separator = '&';
    }
    return out;
}

std::string_view query_of(std::string_view url) {
    const auto mark = url.find('?');
    return mark == std::string_view::npos ? std::string_view{} : url.substr(mark + 1);
}

}  // namespace

std::string Origin::str() const { return scheme + "://" + host + ":" + port; }

std::string clean_url(std::string_view text) {
    auto url = parse_http(encode_illegal(text));
    return text_of(url);
}

std::string resolve_url(std::string_view base, std::string_view reference) {
    const std::string clean = encode_illegal(reference);
    if (clean.size() > url_bytes_max) refuse(clean, "A URL is too long");
    const auto parsed = urls::parse_uri_reference(clean);
    if (!parsed) refuse(clean, "Not a URL");
    auto url = parse_http(base);
    if (!url.resolve(*parsed)) refuse(clean, "A URL that cannot be resolved");
    return clean_url(text_of(url));
}

Origin origin_of(std::string_view text) {
    const auto url = parse_http(text);
    Origin origin;
    origin.scheme = url.scheme_id() == urls::scheme::https ? "https" : "http";
    for (const char c : url.encoded_host())
        origin.host += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    origin.port = std::string(url.port());
    if (origin.port.empty()) origin.port = origin.scheme == "https" ? "443" : "80";
    return origin;
}

std::string_view path_of(std::string_view url) {
    const auto authority = url.find("://");
    const auto path =
        authority == std::string_view::npos ? 0 : url.find_first_of("/?#", authority + 3);
    if (path == std::string_view::npos || url[path] != '/') return "/";
    return url.substr(path, url.find_first_of("?#", path) - path);
}

std::string with_query(std::string_view url, std::string_view name, std::string_view value) {
    const std::string encoded = core::percent_encoded(name);
    const std::string parameter = encoded + "=" + core::percent_encoded(value);
    std::size_t place = std::string_view::npos;
    auto parameters = other_parameters(query_of(url), encoded, &place);
    const auto at = place == std::string_view::npos ? parameters.size() : place;
    parameters.insert(parameters.begin() + static_cast<std::ptrdiff_t>(at), parameter);
    return join_query(url, parameters);
}

std::string without_query(std::string_view url, std::string_view name) {
    return join_query(url, other_parameters(query_of(url), core::percent_encoded(name), nullptr));
}

}  // namespace pawl::collector
