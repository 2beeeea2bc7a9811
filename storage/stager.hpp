#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "storage/staging.hpp"
#include "storage/tables.hpp"

namespace pawl::storage {

/// Its stage carries a version for each row; other versioned emits take the page's time.
[[nodiscard]] bool carries_versions(const core::Emit& emit);

/// The narrowest type for `value` that Postgres takes it for. A text that only looks like a time
/// stays a text.
[[nodiscard]] core::ColumnType storable_type(const core::Value& value);

constexpr int widening_rounds = 9;  // there are nine types; each round widens at least one column

/// One emit's work on one batch. Its table's knowledge is refreshed as columns come and widen.
class Stager {
  public:
    Stager(PqConnection& connection, Tables& tables, const core::SourceFile& source,
           const std::vector<BatchPage>& pages, const core::Stream& stream, std::size_t emit)
        : connection_(connection),
          tables_(tables),
          source_(source),
          pages_(pages),
          shape_(shape_of(source, stream.emits[emit].table)) {
        stage_.stream = &stream;
        stage_.emit = emit;
    }

    /// `buffer` is where its rows are written.
    Stage run(std::size_t number, std::string buffer);

  private:
    const core::EmitRows* rows_of(std::size_t page) const;
    const core::EmitRows* any_rows_of(std::size_t page) const;  // of a page without a body too: what it stands for
    void find_columns();
    void add_column(const std::string& original);
    std::vector<WantedColumn> unknown_columns() const;
    core::ColumnType observed_type(const Stage::Column& column) const;
    void ensure(const std::vector<WantedColumn>& wanted);
    void refresh_types();
    bool encode();
    void encode_page(std::size_t page, const core::EmitRows& rows);
    void append_row(std::size_t page, const core::EmitRows& rows, const std::vector<int>& from,
                    std::size_t row);
    bool may_grow() const;
    bool lacks_overflow() const;
    void add_overflow();
    void find_left_over(const core::EmitRows& rows);
    std::string overflow_of(const core::EmitRows& rows, const core::Value* cells);
    void tell_overflow();
    bool lacks_key() const;
    void reject_all(const std::string& reason);
    std::string misfit(Stage::Column& column, const core::Value& value);
    void encode_replaced();

    PqConnection& connection_;
    Tables& tables_;
    const core::SourceFile& source_;
    const std::vector<BatchPage>& pages_;
    TableShape shape_;
    std::shared_ptr<const TableInfo> info_;
    Stage stage_;
    std::map<std::string, core::ColumnType> wider_;  // columns that must widen before the rows fit
    SeenAt seen_;
    std::vector<std::size_t> left_over_;  // columns of the page at hand that have none in the table
    std::set<std::string> overflowed_;    // fields that went into the overflow column
};

}  // namespace pawl::storage
