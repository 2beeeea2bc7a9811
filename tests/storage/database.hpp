#pragma once

#include <memory>
#include <string>

#include "core/source_file.hpp"
#include "core/task.hpp"
#include "storage/connection.hpp"
#include "tests/support/inline_offload.hpp"
#include "tests/support/run_task.hpp"

namespace pawl::test {

/// A fresh database of the shared cluster, with pawl's tables.
class Database {
  public:
    Database();

    /// Runs SQL; returns the cells of the first row of the last statement, a blank between them, ""
    /// for null.
    std::string sql(const std::string& text);
    [[nodiscard]] const std::string& url() const { return url_; }
    [[nodiscard]] std::shared_ptr<storage::ConnectionPool> pool() const { return pool_; }

    template <typename T>
    T run(core::Task<T> task) {
        return run_task(io_, std::move(task));
    }

  private:
    std::string url_;
    storage::Connection connection_;
    std::shared_ptr<storage::ConnectionPool> pool_;
    boost::asio::io_context io_;
};

/// What `work` throws, in words; "" when it does not.
std::string message_of(const std::function<void()>& work);
[[nodiscard]] inline bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

/// A stream with one emit into a table of its own name; hashes follow `name` and `version`.
core::Stream stream_named(const std::string& name, const std::string& version = "1");
/// Source `api` with schema `api` and these streams.
std::shared_ptr<core::SourceFile> source_of(std::vector<core::Stream> streams);

}  // namespace pawl::test
