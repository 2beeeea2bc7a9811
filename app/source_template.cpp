#include "app/source_template.hpp"

#include <string_view>

#include "core/characters.hpp"

namespace pawl::app {

namespace {

// {{source}} is its name, {{SOURCE}} the same for variables. What is behind `#|` is right, too, where the mark is taken away.
constexpr std::string_view template_text =
    R"(# {{source}}: a source file to begin with. What a key means and what else there is: pawl config explain KEY
#   pawl check FILE                               is it right?
#   pawl preview records --sources FILE           asks for one page, shows the rows, stores nothing
# Lines that begin with #| are examples: take the mark away.
source: {{source}}
base_url: https://api.example.org
#|headers: {Accept: application/json}

# Who asks: keys in a variable of the environment, separated by commas.
#|credentials:
#|  from: {env: {{SOURCE}}_KEYS}
#|  inject: {header: Authorization, value: "Bearer {key}"}

# How fast the API may be asked, as its documentation says, and the headers that tell what is left.
limits:
  - {name: api, rate: 60/m}
#|feedback:
#|  limit: x-ratelimit-limit
#|  remaining: x-ratelimit-remaining
#|  reset: {header: x-ratelimit-reset, format: epoch}

streams:
  records:
    path: /records
    #|query: {per_page: 100}
    # How the next page is found: none, link (the Link header), or a map of page, offset, cursor, next_url or last_id.
    paginate: link
    # Where the records are; absent: the elements of the array that the answer is.
    #|records: $.items[*]
    # What tells one record from another.
    key: id
    # Only what is new: the API is told since when.
    #|incremental: {since: {field: $.updated_at, into: query.updated_since, lookback: 1h}}
  # A stream that is asked for once for each row of another.
  #|details:
  #|  foreach: {stream: records}
  #|  path: "/records/{id}"
  #|  key: id

# When `pawl run` collects again.
#|schedule: {every: 6h}
)";

std::string replaced(std::string in, std::string_view what, const std::string& by) {
    for (std::size_t at = in.find(what); at != std::string::npos; at = in.find(what, at + by.size()))
        in.replace(at, what.size(), by);
    return in;
}

}  // namespace

std::string source_template(const std::string& source) {
    return replaced(replaced(std::string(template_text), "{{SOURCE}}", core::upper(source)), "{{source}}", source);
}

}  // namespace pawl::app
