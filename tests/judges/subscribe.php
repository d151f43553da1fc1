<?php
// Polls feeds with SimplePie, as FreshRSS and WordPress do; prints one JSON array of { url, items } for the Python tests.
// Arguments: a folder for SimplePie's cache, which keeps the validators, and addresses.

error_reporting(E_ERROR); // Debian's SimplePie is older than its PHP
require 'simplepie/autoloader.php';

$polled = [];
foreach (array_slice($argv, 2) as $url) {
    $feed = new SimplePie();
    $feed->set_cache_location($argv[1]);
    $feed->set_cache_duration(-1); // ask at every run
    $feed->enable_order_by_date(false); // its reading of dates fails in PHP 8
    $feed->set_feed_url($url);
    if (!$feed->init()) {
        fwrite(STDERR, "$url: {$feed->error()}\n");
        exit(1);
    }
    $items = array_map(
        fn($item) => ['id' => $item->get_id(), 'title' => $item->get_title(), 'content' => $item->get_content()],
        $feed->get_items(),
    );
    $polled[] = ['url' => $url, 'items' => $items];
}
echo json_encode($polled, JSON_THROW_ON_ERROR);
