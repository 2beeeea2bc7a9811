#include "app/paging_guess.hpp"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <optional>

#include "core/characters.hpp"
#include "core/link_header.hpp"

namespace pawl::app {

namespace {

using Names = std::initializer_list<std::string_view>;

/// Names as plain_name() writes them, the surest first.
const Names next_urls{"nexturl",      "nextpageurl", "nextlink", "nexthref",   "@odata.nextlink",
                      "nextpagelink", "next",        "nextpage", "nextresults"};
const Names next_cursors{"nextcursor",   "nextpagetoken",  "nexttoken",  "endcursor", "continuationtoken",
                         "continuation", "nextpagecursor", "nextmarker", "nextpage",  "next",
                         "aftercursor",  "after",          "cursor",     "scrollid",  "bookmark"};
const Names more_flags{"hasmore", "hasnextpage", "hasnext", "more", "hasmoreitems", "hasadditional"};
const Names page_numbers{"page", "currentpage", "pagenumber", "pageno", "pageindex", "number"};
const Names page_counts{"totalpages", "pages", "pagecount", "lastpage", "numpages", "pagestotal", "numberofpages", "totalpage"};
const Names offsets{"offset", "startat", "skip", "start", "startindex"};
const Names totals{"total",        "totalcount", "count",     "totalresults", "totalitems",
                   "totalrecords", "numfound",   "totalsize", "totalhits"};
const Names sizes{"limit", "perpage", "pagesize", "maxresults", "size", "rows", "itemsperpage", "pagelimit", "top", "first"};
const Names cursor_parameters{"cursor",        "after",      "pagetoken",         "nexttoken",
                              "startingafter", "pagecursor", "continuationtoken", "marker"};

bool is_named(std::string_view name, const Names& names) {
    return std::find(names.begin(), names.end(), plain_name(name)) != names.end();
}

bool is_url(const nlohmann::json& value) {
    if (!value.is_string()) return false;
    const auto& text = value.get_ref<const std::string&>();
    return text.starts_with("http://") || text.starts_with("https://") || text.starts_with('/') || text.starts_with('?');
}

bool is_token(const nlohmann::json& value) {
    return (value.is_string() && value != "" && !is_url(value)) || value.is_number_integer();
}

std::string into_query(std::string_view parameter) { return yaml_scalar("query." + std::string(parameter)); }

/// Rules over the page's values outside of its records; each gives a guess or nothing.
class PagingRules {
  public:
    PagingRules(const PageSample& sample, const RecordGuess& records)
        : sample_(sample), records_(records), leaves_(sample.leaves()) {
        std::erase_if(leaves_,
                      [](const PageLeaf& leaf) { return !std::all_of(leaf.steps.begin(), leaf.steps.end(), is_fit_name); });
    }

    std::optional<PagingGuess> link() const {
        const auto header = collector::link_header_of(sample_.headers);
        if (core::find_link(header, "next")) return PagingGuess{"link", "the Link header names the next page", {}};
        for (const char* relation : {"prev", "first", "last"})
            if (core::find_link(header, relation))
                return PagingGuess{
                    "link", "a Link header names the " + std::string(relation) + " page, and this one is the last", {}};
        return std::nullopt;
    }

    std::optional<PagingGuess> next_url() const {
        for (const auto& name : next_urls)
            for (const auto& leaf : leaves_) {
                const bool inside =
                    leaf.name() == "href" && leaf.steps.size() > 1 && plain_name(leaf.steps[leaf.steps.size() - 2]) == name;
                if ((plain_name(leaf.name()) != name && !inside) || !(is_url(*leaf.value) || is_last_of_several(leaf)))
                    continue;
                return PagingGuess{"{next_url: " + yaml_scalar(path_text(leaf.steps)) + "}",
                                   is_url(*leaf.value) ? path_text(leaf.steps) + " holds the next page's URL"
                                                       : path_text(leaf.steps) +
                                                             " is null: it will hold the next page's URL where there is one",
                                   {}};
            }
        return std::nullopt;
    }

    std::optional<PagingGuess> cursor() const {
        const PageLeaf* more = flag();
        for (const auto& name : next_cursors)
            for (const auto& leaf : leaves_) {
                const bool is_sure = name.starts_with("next") && name.size() > 4 && name != "nextpage";
                const bool ended = is_sure && (leaf.value->is_null() || *leaf.value == "");
                if (plain_name(leaf.name()) != name || !(is_token(*leaf.value) || ended)) continue;
                if (leaf.value->is_number() && !name.starts_with("next"))
                    continue;  // `cursor: 3` may be where this page begins
                const auto parameter = cursor_parameter(leaf);
                PagingGuess guess;
                guess.yaml = "{cursor: {next: " + yaml_scalar(path_text(leaf.steps)) + ", into: " + into_query(parameter);
                if (more != nullptr) guess.yaml += ", more: " + yaml_scalar(path_text(more->steps));
                guess.yaml += "}}";
                guess.why = path_text(leaf.steps) + (ended ? " is empty: it will hold the token for the next page"
                                                           : " holds a token for the next page");
                guess.why += sample_.query(parameter) != nullptr
                                 ? ""
                                 : "; that parameter \"" + parameter + "\" takes it is what such APIs do mostly";
                guess.parameters = {parameter};
                return guess;
            }
        return std::nullopt;
    }

    std::optional<PagingGuess> page() const {
        const PageLeaf* count = whole(page_counts);
        const PageLeaf* current = whole(page_numbers);
        const auto* in_url = parameter(page_numbers);
        const bool tells = current != nullptr && (count != nullptr || flag() != nullptr);
        if (!tells && in_url == nullptr) return std::nullopt;
        const bool from_zero = (current != nullptr && *current->value == 0) || (in_url != nullptr && in_url->second == "0");
        const std::string name =
            in_url != nullptr ? in_url->first
            : current != nullptr && current->name() != "number" && plain_name(current->name()) != "currentpage"
                ? current->name()
                : "page";
        PagingGuess guess;
        guess.parameters = {name};
        guess.yaml = "{page: {param: " + yaml_scalar(name) + ", start: " + (from_zero ? "0" : "1") + size_of_page(guess);
        if (count != nullptr) {
            const auto path = path_text(count->steps);
            guess.yaml += ", last: " + yaml_scalar(from_zero ? "add(" + path + ", -1)" : path);
        }
        guess.yaml += "}";
        if (count == nullptr && flag() != nullptr)
            guess.yaml += ", stop_when: " + yaml_scalar("not " + path_text(flag()->steps));
        guess.yaml += "}";
        guess.why = tells ? "the answer numbers its pages (" + path_text(current->steps) +
                                (count != nullptr ? " of " + path_text(count->steps) : "") + ")"
                          : "the URL has \"" + name + "\"; the walk ends with a page without new records";
        return guess;
    }

    std::optional<PagingGuess> offset() const {
        const PageLeaf* told = whole(offsets);
        const PageLeaf* total = whole(totals);
        const auto* in_url = parameter(offsets);
        if (in_url == nullptr && (told == nullptr || total == nullptr)) return std::nullopt;
        const std::string name = in_url != nullptr ? in_url->first : told->name();
        const PageLeaf* size = whole(sizes);
        const auto* size_in_url = parameter(sizes);
        const std::string limit_name = size_in_url != nullptr ? size_in_url->first : size != nullptr ? size->name() : "limit";
        const std::string limit = size_in_url != nullptr ? size_in_url->second
                                  : size != nullptr && *size->value > 0
                                      ? size->value->dump()
                                      : std::to_string(std::max<std::size_t>(records_.count, 1));
        PagingGuess guess{
            "{offset: {param: " + yaml_scalar(name) + ", limit_param: " + yaml_scalar(limit_name) + ", limit: " + limit,
            "",
            {name, limit_name}};
        if (total != nullptr) guess.yaml += ", total: " + yaml_scalar(path_text(total->steps));
        guess.yaml += "}}";
        guess.why = told != nullptr ? "the answer tells where it begins (" + path_text(told->steps) + ")" +
                                          (total != nullptr ? " and how much there is (" + path_text(total->steps) + ")" : "")
                                    : "the URL has \"" + name + "\"";
        return guess;
    }

    /// Says that there is more, and how to ask for it only by the last record.
    std::optional<PagingGuess> last_id() const {
        const PageLeaf* more = flag();
        if (more == nullptr || !records_.is_list || records_.key.empty() || records_.members.empty() ||
            records_.path.ends_with("*].node") || records_.path.ends_with("*].data"))
            return std::nullopt;
        const auto* in_url = parameter(cursor_parameters);
        const std::string name = in_url != nullptr ? in_url->first : "starting_after";
        PagingGuess guess;
        const std::string last = path_text(records_.steps) + "[-1]" + path_text({records_.key}).substr(1);
        guess.yaml = "{last_id: {from: " + yaml_scalar(last) + ", into: " + into_query(name) +
                     "}, stop_when: " + yaml_scalar("not " + path_text(more->steps)) + "}";
        guess.why = path_text(more->steps) +
                    " tells whether there is more, and no cursor is there, so the last record's key is taken for one";
        if (in_url == nullptr) guess.why += "; that parameter \"" + name + "\" takes it is what such APIs do mostly";
        guess.parameters = {name};
        return guess;
    }

    PagingGuess none() const {
        PagingGuess guess;
        guess.why = "no Link header, next URL, cursor, page number or offset is in the answer";
        const PageLeaf* total = whole(totals);
        if (total != nullptr && records_.is_list && *total->value > records_.count)
            guess.why += ". But " + path_text(total->steps) + " is " + total->value->dump() + ", and there are " +
                         std::to_string(records_.count) + " records: the API's documentation tells how to ask for the rest";
        return guess;
    }

  private:
    /// `next: null` beside `previous`, or under a name that says it is a URL.
    bool is_last_of_several(const PageLeaf& leaf) const {
        if (!leaf.value->is_null()) return false;
        if (plain_name(leaf.name()) != "next")
            return is_named(leaf.name(), {"nexturl", "nextpageurl", "nextlink", "@odata.nextlink"});
        return std::any_of(leaves_.begin(), leaves_.end(), [&](const PageLeaf& other) {
            return other.steps.size() == leaf.steps.size() &&
                   std::equal(other.steps.begin(), other.steps.end() - 1, leaf.steps.begin()) &&
                   is_named(other.name(), {"previous", "prev", "self", "first", "last"});
        });
    }

    const PageLeaf* whole(const Names& names) const {
        for (const auto& name : names)
            for (const auto& leaf : leaves_)
                if (plain_name(leaf.name()) == name && leaf.value->is_number_integer()) return &leaf;
        return nullptr;
    }

    const PageLeaf* flag() const {
        for (const auto& leaf : leaves_)
            if (is_named(leaf.name(), more_flags) && leaf.value->is_boolean()) return &leaf;
        return nullptr;
    }

    /// A parameter of the URL with a whole number, or any value where it is a cursor's.
    const std::pair<std::string, std::string>* parameter(const Names& names) const {
        for (const auto& one : sample_.url.query) {
            const bool number = !one.second.empty() && one.second.size() < 10 &&
                                std::all_of(one.second.begin(), one.second.end(), core::is_digit);
            if (is_named(one.first, names) && (number || &names == &cursor_parameters)) return &one;
        }
        return nullptr;
    }

    std::string cursor_parameter(const PageLeaf& leaf) const {
        if (const auto* in_url = parameter(cursor_parameters)) return in_url->first;
        const std::string plain = plain_name(leaf.name());
        const bool camel = leaf.name().find('_') == std::string::npos && plain != leaf.name();
        if (plain == "nextpagetoken") return camel ? "pageToken" : "page_token";
        if (plain == "nexttoken") return camel ? "nextToken" : "next_token";
        if (plain == "nextpage") return "page";
        if (plain == "nextmarker") return "marker";
        if (plain == "endcursor" || plain == "after" || plain == "aftercursor") return "after";
        if (plain == "nextcursor" || plain == "nextpagecursor" || plain == "cursor" || plain == "next") return "cursor";
        return leaf.name();
    }

    std::string size_of_page(PagingGuess& guess) const {
        const auto* size = parameter(sizes);
        if (size == nullptr || size->second[0] == '0') return "";
        guess.parameters.push_back(size->first);
        return ", size_param: " + yaml_scalar(size->first) + ", size: " + size->second;
    }

    const PageSample& sample_;
    const RecordGuess& records_;
    std::vector<PageLeaf> leaves_;
};

}  // namespace

PagingGuess guess_paging(const PageSample& sample, const RecordGuess& records) {
    const PagingRules rules(sample, records);
    if (auto guess = rules.link()) return *guess;
    if (!records.is_list) return {"none", "the answer is one record", {}};
    if (auto guess = rules.next_url()) return *guess;
    if (auto guess = rules.cursor()) return *guess;
    if (auto guess = rules.page()) return *guess;
    if (auto guess = rules.offset()) return *guess;
    if (auto guess = rules.last_id()) return *guess;
    return rules.none();
}

}  // namespace pawl::app
