#pragma once

#include "base/check.h"

namespace vallum::async {

template <class T>
class List;

// Makes T linkable into one List<T> at a time: `class Waiter : public ListHook<Waiter>`. Dies
// unlinked from whatever it is in. Neither copied nor moved.
template <class T>
class ListHook {
 public:
  ListHook() = default;
  ListHook(const ListHook&) = delete;
  ListHook& operator=(const ListHook&) = delete;

  bool is_linked() const { return next_ != nullptr; }
  void unlink() {
    if (next_ != nullptr) {
      prev_->next_ = next_;
      next_->prev_ = prev_;
      next_ = nullptr;
      prev_ = nullptr;
    }
  }

 protected:
  ~ListHook() { unlink(); }

 private:
  friend class List<T>;
  ListHook* prev_ = nullptr;
  ListHook* next_ = nullptr;
};

// Links objects that others own. Every operation is O(1) and allocates nothing.
template <class T>
class List {
 public:
  List() { clear(); }
  List(const List&) = delete;
  List& operator=(const List&) = delete;
  ~List() {
    while (!empty()) {
      front().ListHook<T>::unlink();
    }
    head_.next_ = nullptr;  // the sentinel itself is in no list
    head_.prev_ = nullptr;
  }

  bool empty() const { return head_.next_ == &head_; }
  // Requires a list that is not empty.
  T& front() { return static_cast<T&>(*head_.next_); }
  T& back() { return static_cast<T&>(*head_.prev_); }
  // Returns nullptr after the last one.
  T* next(T& item) {
    Hook* hook = static_cast<Hook&>(item).next_;
    return hook == &head_ ? nullptr : static_cast<T*>(hook);
  }

  // Requires an item that is in no list.
  void push_back(T& item) {
    Hook& hook = item;
    DCHECK(!hook.is_linked());
    hook.prev_ = head_.prev_;
    hook.next_ = &head_;
    head_.prev_->next_ = &hook;
    head_.prev_ = &hook;
  }

  // Moves all items of `other` to the end of this list.
  void splice_back(List& other) {
    if (other.empty()) {
      return;
    }
    Hook* first = other.head_.next_;
    Hook* last = other.head_.prev_;
    first->prev_ = head_.prev_;
    head_.prev_->next_ = first;
    last->next_ = &head_;
    head_.prev_ = last;
    other.clear();
  }

 private:
  using Hook = ListHook<T>;
  struct Sentinel : Hook {};

  void clear() {
    head_.next_ = &head_;
    head_.prev_ = &head_;
  }

  Sentinel head_;
};

}  // namespace vallum::async
