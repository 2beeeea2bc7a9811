#include "collector/request.hpp"

#include "collector/page_position.hpp"
#include "collector/url.hpp"
#include "core/duration.hpp"
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

// A request while it is put together: its URL, and its body where it has one.
struct Draft {
    std::string url;
    core::BodyNode body;

    void put(const core::Into& into, const std::string& value, bool is_number = false) {
        if (into.in_body())
            body.put(into.path, is_number ? value : json_at(into, value));
        else if (!into.query.empty())
            url = with_query(url, into.query, value);
    }

  private:
    // Where the source file has a number, a number is sent.
    [[nodiscard]] std::string json_at(const core::Into& into, const std::string& value) const {
        const auto* there = body.at(into.path);
        const bool number = there != nullptr && there->kind == core::BodyNode::Kind::json && there->text != "null" &&
                            !there->text.starts_with('"');
        return number && core::parse_whole_number(value) ? value : core::json_text(value);
    }
};

// The stream's URL and body, as for a page without a cursor.
Draft stream_draft(const core::Stream& stream, const core::TemplateScope& scope) {
    Draft draft;
    draft.url = clean_url(stream.url.fill(scope, Escape::url_component));
    for (const auto& [name, value] : stream.query)
        draft.url = with_query(draft.url, name, value.fill(scope, Escape::none));
    draft.body = stream.body.root.fill(scope);
    return draft;
}

void put_number(const core::Pagination& paginate, Draft& draft, const std::optional<std::string>& cursor) {
    const std::int64_t first = paginate.kind == PagingKind::page ? paginate.start : 0;
    const auto number = cursor ? PagePosition::parse(*cursor).number : first;
    draft.put(paginate.param, std::to_string(number));
    if (paginate.size > 0) draft.put(paginate.size_param, std::to_string(paginate.size));
}

std::string linked_url(const std::string& first_url, const std::string& cursor) {
    auto next = clean_url(cursor);
    const auto origin = origin_of(next);
    if (origin != origin_of(first_url))
        throw core::PermanentError("The next link leads to another origin, it is not followed: " +
                                   origin.str());
    return next;
}

void put_cursor(const core::Pagination& paginate, Draft& draft, const std::optional<std::string>& cursor) {
    switch (paginate.kind) {
        case PagingKind::none: return;
        case PagingKind::link:
        case PagingKind::next_url:
            if (cursor) draft.url = linked_url(draft.url, *cursor);
            return;
        case PagingKind::page:
        case PagingKind::offset: return put_number(paginate, draft, cursor);
        case PagingKind::cursor:
            if (cursor) draft.put(paginate.into, *cursor);
    }
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
    const auto window = core::window_values(stream.incremental && stream.incremental->numeric, slice.window, arena);
    scope.window = &window;
    if (slice.begun != 0) scope.now = slice.begun;
    if (cursor && cursor->empty())
        throw core::PermanentError("The API gave a cursor that cannot be used");
    PageRequest request;
    auto draft = stream_draft(stream, scope);
    if (stream.incremental)
        for (const auto& sent : core::sent_for(*stream.incremental, slice.window))
            draft.put(*sent.into, sent.value, sent.is_number);
    put_cursor(stream.paginate, draft, cursor);
    request.method = stream.method;
    request.url = std::move(draft.url);
    if (stream.body.kind == core::RequestBody::Kind::json) request.body = draft.body.json();
    if (stream.body.kind == core::RequestBody::Kind::form) request.body = draft.body.form();
    for (const auto& [name, value] : stream.headers)
        request.headers.emplace_back(name, header_value(name, value.fill(scope, Escape::none)));
    if (stream.body.kind != core::RequestBody::Kind::none && !has_header(request.headers, "content-type"))
        request.headers.emplace_back("Content-Type", stream.body.content_type());
    request.own_origin = is_at(source.base_url, origin_of(request.url));
    request.with_credentials = stream.with_credentials && request.own_origin &&
                               (source.credentials.has_value() || source.auth.has_value());
    request.validator_key = core::sha256_hex(request.url + "\n" + accept_of(request.headers) +
                                                (request.body.empty() ? "" : "\n" + request.body));
    return request;
}

PageRequest redirected(const PageRequest& request, int status, const std::string& location) {
    if (location.empty()) throw core::PermanentError("A redirect without a location");
    if (!request.body.empty() && status != 307 && status != 308)
        throw core::PermanentError("A redirect (" + std::to_string(status) +
                                   ") would drop the body of the request, it is not followed");
    PageRequest next = request;
    next.url = resolve_url(request.url, location);
    const auto origin = origin_of(next.url);
    if (origin != origin_of(request.url))
        throw core::PermanentError("A redirect leads to another origin, it is not followed: " +
                                   origin.str());
    return next;
}

}  // namespace pawl::collector
