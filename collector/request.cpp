#include "collector/request.hpp"

#include "collector/page_position.hpp"
#include "collector/url.hpp"
#include "core/errors.hpp"
#include "core/named_values.hpp"

namespace pawl::collector {

namespace {

using PagingKind = core::Pagination::Kind;
using Escape = core::Template::Escape;

bool is_at(const std::string& base_url, const Origin& origin) {
    return !base_url.empty() && origin_of(base_url) == origin;
}

std::string header_value(const std::string& name, std::string value) {
    if (value.find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos)
        throw core::PermanentError("The value of header " + name + " holds a line break");
    return value;
}

// The stream's URL with its query, as for a page without a cursor.
std::string stream_url(const core::Stream& stream, const core::TemplateScope& scope) {
    auto url = clean_url(stream.url.fill(scope, Escape::url_component));
    for (const auto& [name, value] : stream.query)
        url = with_query(url, name, value.fill(scope, Escape::none));
    return url;
}

std::string numbered_url(const core::Pagination& paginate, std::string url,
                         const std::optional<std::string>& cursor) {
    const std::int64_t first = paginate.kind == PagingKind::page ? paginate.start : 0;
    const auto number = cursor ? PagePosition::parse(*cursor).number : first;
    url = with_query(url, paginate.param, std::to_string(number));
    if (paginate.size > 0 && !paginate.size_param.empty())
        url = with_query(url, paginate.size_param, std::to_string(paginate.size));
    return url;
}

std::string linked_url(const std::string& first_url, const std::optional<std::string>& cursor) {
    if (!cursor) return first_url;
    auto next = clean_url(*cursor);
    const auto origin = origin_of(next);
    if (origin != origin_of(first_url))
        throw core::PermanentError("The next link leads to another origin, it is not followed: " +
                                   origin.str());
    return next;
}

std::string page_url(const core::Stream& stream, std::string first_url,
                     const std::optional<std::string>& cursor) {
    switch (stream.paginate.kind) {
        case PagingKind::none:
            return first_url;
        case PagingKind::link:
        case PagingKind::next_url:
            return linked_url(first_url, cursor);
        case PagingKind::page:
        case PagingKind::offset:
            return numbered_url(stream.paginate, std::move(first_url), cursor);
        case PagingKind::cursor:
            return cursor ? with_query(first_url, stream.paginate.into_query, *cursor) : first_url;
    }
    return first_url;
}

std::string accept_of(const Headers& headers) {
    for (const auto& [name, value] : headers)
        if (name.size() == 6 && (name[0] == 'A' || name[0] == 'a') && name.substr(1) == "ccept")
            return value;
    return {};
}

}  // namespace

PageRequest page_request(const core::SourceFile& source, const core::Stream& stream,
                         const core::SliceDescriptor& slice,
                         const std::optional<std::string>& cursor) {
    core::Arena arena;
    const auto parent = core::read_named_values(slice.parent, arena);
    const auto list = core::read_named_values(slice.list, arena);
    core::TemplateScope scope;
    scope.parent = &parent;
    scope.list = &list;
    if (cursor && cursor->empty())
        throw core::PermanentError("The API gave a cursor that cannot be used");
    PageRequest request;
    request.url = page_url(stream, stream_url(stream, scope), cursor);
    for (const auto& [name, value] : stream.headers)
        request.headers.emplace_back(name, header_value(name, value.fill(scope, Escape::none)));
    request.own_origin = is_at(source.base_url, origin_of(request.url));
    request.with_credentials = stream.with_credentials && request.own_origin &&
                               (source.credentials.has_value() || source.auth.has_value());
    request.validator_key = core::sha256_hex(request.url + "\n" + accept_of(request.headers));
    return request;
}

PageRequest redirected(const PageRequest& request, const std::string& location) {
    if (location.empty()) throw core::PermanentError("A redirect without a location");
    PageRequest next = request;
    next.url = resolve_url(request.url, location);
    const auto origin = origin_of(next.url);
    if (origin != origin_of(request.url))
        throw core::PermanentError("A redirect leads to another origin, it is not followed: " +
                                   origin.str());
    return next;
}

}  // namespace pawl::collector
