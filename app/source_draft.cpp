#include "app/source_draft.hpp"

#include <algorithm>
#include <array>
#include <set>

#include "app/derived_name.hpp"
#include "core/instant.hpp"
#include "core/redact.hpp"

namespace pawl::app {

namespace {

constexpr std::size_t columns_max = 60, members_shown = 30, comment_width = 110;

/// Parameters that ask for what changed since a time, as plain_name() writes them.
constexpr std::array<std::string_view, 9> since_parameters{"since",         "updatedsince",  "updatedafter",
                                                           "modifiedsince", "modifiedafter", "changedsince",
                                                           "updatedatmin",  "createdafter",  "createdsince"};

/// What can be a column's name as it is.
bool is_column(const std::string& name) { return name_of(name) == name; }

class Draft {
  public:
    explicit Draft(const Proposal& proposal) : its_(proposal) {}

    std::string text() {
        head();
        line("source: " + its_.source);
        line("base_url: " + yaml_scalar(its_.request.parts.origin));
        if (!its_.request.written_headers.empty()) line("headers: " + map_of(its_.request.written_headers));
        key_of_requests();
        limits();
        line("");
        line("streams:");
        line("  " + its_.stream + ":");
        indent_ = "    ";
        request();
        next_page();
        records();
        rows();
        what_is_new();
        return std::move(out_);
    }

  private:
    void line(const std::string& text) { out_ += (text.empty() ? "" : indent_ + text) + "\n"; }

    /// Words, over as many lines as they need. Nothing of a response can end the comment.
    void comment(const std::string& text) {
        std::string row;
        const auto flush = [&] {
            if (!row.empty()) line("#" + row);
            row.clear();
        };
        for (std::size_t at = 0; at < text.size();) {
            const std::size_t end = std::min(text.find(' ', at), text.size());
            if (row.size() + end - at > comment_width) flush();
            row += ' ';
            for (const char c : text.substr(at, end - at)) row += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
            at = end + 1;
        }
        flush();
    }
    /// Lines of YAML to be uncommented.
    void later(const std::string& text) { line("#   " + text); }

    static std::string map_of(const NamedTexts& texts) {
        std::string map;
        for (const auto& [name, value] : texts)
            map += (map.empty() ? "" : ", ") + yaml_scalar(name) + ": " + yaml_scalar(value);
        return "{" + map + "}";
    }

    void head() {
        comment(its_.source + ": proposed by pawl init, after one look at " + core::redact(its_.request.url) + " (" +
                its_.seen + "). Each guess has its reason beside it. Compare it with the API's documentation, then:");
        line("#   pawl check FILE");
        line("#   pawl preview " + its_.stream + " --sources FILE");
        comment("What a key means and what else there is: pawl config explain KEY");
        if (!its_.request.variables.empty()) {
            std::string names;
            for (const auto& name : its_.request.variables) names += (names.empty() ? "" : ", ") + name;
            comment("It needs these variables of the environment: " + names);
        }
    }

    void key_of_requests() {
        const auto& key = its_.request.key;
        line("");
        if (!key) {
            comment("Nobody's key was sent. Where the API wants one: pawl config explain credentials");
            return;
        }
        comment("The key is not in this file: put it into the variable " + key->variable +
                ", or several, separated by commas.");
        line("credentials:");
        line("  from: {env: " + yaml_scalar(key->variable) + "}");
        line("  inject: {" + std::string(key->in_query ? "query: " : "header: ") + yaml_scalar(key->name) +
             ", value: " + yaml_scalar(key->value) + "}");
    }

    void limits() {
        line("");
        comment("Limit: " + its_.limits.why + ".");
        line("limits:");
        line("  - " + its_.limits.limit);
        if (its_.limits.feedback.empty()) {
            comment(
                "No headers that tell what is left were in the answer. Where the API has some: pawl config explain feedback");
            return;
        }
        comment("Headers of the answer that tell what is left.");
        line("feedback:");
        for (const auto& row : its_.limits.feedback) line("  " + row);
    }

    void request() {
        line("path: " + yaml_scalar(its_.request.parts.path));
        NamedTexts query;
        for (const auto& one : its_.request.parts.query) {
            const bool set_by_pager = std::find(its_.paging.parameters.begin(), its_.paging.parameters.end(), one.first) !=
                                      its_.paging.parameters.end();
            if (!set_by_pager && one.first != since_parameter()) query.push_back(one);
        }
        if (!query.empty()) line("query: " + map_of(query));
        if (its_.has_etag) {
            comment("The answer has an ETag. To ask only for what changed, which many APIs do not count:");
            later("conditional: etag");
        }
    }

    void next_page() {
        line("");
        comment("Next page: " + its_.paging.why + ".");
        if (its_.paging.yaml == "none" && its_.records.is_list)
            comment("If there are more pages: pawl config explain paginate");
        line("paginate: " + its_.paging.yaml);
    }

    void records() {
        line("");
        comment("Records: " + its_.records.path_why + ".");
        if (!its_.records.path.empty()) line("records: " + yaml_scalar(its_.records.path));
        if (its_.records.members.empty()) return;
        std::string names;
        for (std::size_t i = 0; i < std::min(its_.records.members.size(), members_shown); ++i)
            names += (i == 0 ? "" : ", ") + its_.records.members[i];
        comment("Members: " + names + (its_.records.members.size() > members_shown ? " …" : "") + ".");
    }

    /// The short form where names of members can be columns as they are; else each column by its member.
    void rows() {
        const auto& key = its_.records.key;
        line("");
        if (key.empty()) {
            comment("No key: " + its_.records.key_why +
                    ". Without one each walk replaces the rows of the walk before. Where some columns "
                    "tell records apart, name them, in the place of `emit`:");
            later("key: [one, other]");
        } else {
            comment("Key: " + its_.records.key_why + ".");
            if (is_column(key) && !its_.records.members.empty()) {
                line("key: " + yaml_scalar(key));
                return;
            }
        }
        std::string fields = "table: " + its_.stream;
        if (!key.empty()) fields += ", key: " + name_of(key);
        if (its_.records.members.empty() && its_.records.is_list && its_.records.count > 0) fields += ", set: {value: $}";
        if (!key.empty() && !its_.records.members.empty()) fields += ", set: {" + columns() + "}";
        line("emit: {" + fields + "}");
    }

    [[nodiscard]] std::string columns() const {
        std::string set;
        std::set<std::string> taken;
        const auto add = [&](const std::string& member) {
            const std::string name = name_of(member);
            if (name.empty() || taken.size() == columns_max || !taken.insert(name).second) return;
            set += (set.empty() ? "" : ", ") + name + ": " + yaml_scalar(path_text({member}));
        };
        add(its_.records.key);
        for (const auto& member : its_.records.members) add(member);
        return set;
    }

    /// The parameter of the URL that asks for what changed since a time; "" where none does, or not by a time that can be read.
    [[nodiscard]] std::string since_parameter() const {
        if (its_.records.since.empty() || its_.records.since_is_number) return "";
        for (const auto& [name, value] : its_.request.parts.query) {
            const bool known =
                std::find(since_parameters.begin(), since_parameters.end(), plain_name(name)) != since_parameters.end();
            if (known && (core::is_date(value) || core::is_timestamptz(value))) return name;
        }
        return "";
    }

    void what_is_new() {
        const auto& since = its_.records.since;
        line("");
        if (since.empty()) {
            comment(
                "Only what is new: no time of a change was found in the records, so each walk asks for all of them. Where the "
                "API can be "
                "asked for less: pawl config explain incremental");
            return;
        }
        const std::string field = yaml_scalar(path_text({since}));
        if (const auto parameter = since_parameter(); !parameter.empty()) {
            comment("Only what is new: the URL has \"" + parameter + "\", and \"" + since +
                    "\" of the records is a time. `start` is where "
                    "the first walk begins.");
            std::string start;
            for (const auto& [name, value] : its_.request.parts.query)
                if (name == parameter) start = value;
            line("incremental: {since: {field: " + field + ", into: " + yaml_scalar("query." + parameter) +
                 ", start: " + yaml_scalar(start) + "}}");
            return;
        }
        comment("Only what is new: \"" + since +
                "\" of the records is a time. Where the API takes a time since when, name its parameter:");
        later("incremental: {since: {field: " + field + ", into: query.since" +
              (its_.records.since_is_number ? ", format: epoch" : "") + "}}");
    }

    const Proposal& its_;
    std::string out_, indent_;
};

}  // namespace

Proposal propose(std::string source, std::string stream, InitRequest request, const PageSample& sample) {
    Proposal proposal{.source = std::move(source),
                      .stream = std::move(stream),
                      .request = std::move(request),
                      .seen = {},
                      .records = guess_records(sample),
                      .paging = {},
                      .limits = guess_limits(sample),
                      .has_etag = !sample.header("etag").empty()};
    proposal.paging = guess_paging(sample, proposal.records);
    proposal.seen = std::to_string(proposal.records.count) + (proposal.records.count == 1 ? " record" : " records");
    return proposal;
}

std::string source_draft(const Proposal& proposal) { return Draft(proposal).text(); }

}  // namespace pawl::app
