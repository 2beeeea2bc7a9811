#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/support/scripted_server.hpp"

namespace pawl::test {

/// A list that an API serves in every way a source file can ask for one: `/PAGINATOR/FORMAT/MODE`, with the parameters that
/// `paged_source` writes. Pages hold six items.
class PagedList {
  public:
    struct Item {
        int id = 0;
        std::int64_t minute = 0;  ///< of 2026-01-01, when it was changed last
        std::string name;
    };
    std::vector<Item> items;

    [[nodiscard]] ScriptedServer::Script answer(const std::string& target) const;
    /// All items, one a line, as `rows_of` reads them from a table.
    [[nodiscard]] std::string rows() const;

  private:
    [[nodiscard]] std::vector<Item> asked_for(const std::string& mode, const std::string& target) const;
};

/// One way to ask for the list.
struct Way {
    std::string paginator, format, mode;

    [[nodiscard]] std::string name() const { return paginator + "_" + format + "_" + mode; }
};
[[nodiscard]] std::vector<Way> all_ways();

/// A source file with a stream for each way, and a table of its own for each stream.
[[nodiscard]] std::string paged_source(const std::vector<Way>& ways);

}  // namespace pawl::test
