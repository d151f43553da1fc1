"""Audio and video of an article: the names that programs write, and where each format has them."""

from __future__ import annotations

import json

import pytest
from msgspec.structs import replace

from feedhub import limits
from feedhub.article import Article, Media
from feedhub.formats.entries import encode_entry
from tests.golden.look import find
from tests.golden.sample import CHANNEL, EPISODE, NOTHING, subscription
from tests.readings import article_of, problems_of, read_dated

URL = "https://a.example/1.mp3"
BASE = "https://feeds.example.org/site"
WORDPRESS = 'https://a.example/1.mp3\n  26345\n  audio/mpeg\n  a:1:{s:8:"duration";s:5:"02:05";}'


def warnings_of(matter: str) -> list[str]:
    return [code for _, _, code in problems_of(read_dated(matter))]


def media_of(matter: str) -> list[Media]:
    return list(article_of(matter).media)


@pytest.mark.parametrize(
    "matter",
    [
        f"audio: {URL}\nlength: 26345\nduration: 2:05",
        f"podcast: {URL}\nlength: 26345\nduration: '00:02:05'",
        f"podcast_file: {URL}\npodcast_duration: 125\npodcast_bytes: '26345'",
        f"podcast_link: {URL}\npodcast_file_size: 0.1 MB\npodcast_duration: 02:05\n"
        "podcast_length: 26,345",
        f"audioUrl: {URL}\naudioDuration: 125.4\naudioSize: 26345",
        f"podcast: {{file: {URL}, duration: PT2M5S, length: 26345}}",
        f"episode: {{filename: {URL}, duration: 125, size: 26345}}",
        f"enclosure: {{url: {URL}, length: 26345, type: audio/mp3, duration: 125}}",
        f"enclosure: [{{url: {URL}, bytes: 26345, duration: 125, mime-type: audio/mpeg}}]",
        f"enclosure: |\n  {WORDPRESS}",
        f"media: [{{src: {URL}, size_in_bytes: 26345, duration_in_seconds: 125}}]",
        f"params: {{audio: {URL}, audio_size: 26345, audio_duration: 125}}",
        f"audio: {{mp3: {URL}, ogg: https://a.example/1.ogg, length: 26345, duration: 125}}",
    ],
)
def test_the_forms_of_generators_and_exports(matter):
    expected = Media(url=URL, media_type="audio/mpeg", length=26_345, duration=125)
    assert media_of(matter) == [expected]


@pytest.mark.parametrize(
    ("matter", "length", "duration"),
    [
        ("length: 2:05", None, 125),
        ("length: PT2M5S", None, 125),
        ("size: 0\nduration: '0:00:00'", None, None),
        ("size: large", None, None),
        ("size: [1]", None, None),
        ("duration: ''", None, None),
        ("length: 2:05\nduration: 3:00", None, 180),
        ("podcast_bytes: 5\nlength: 6\npodcast_duration: 7\nduration: 8", 5, 7),
    ],
)
def test_what_stands_beside_the_file(matter, length, duration):
    [file] = media_of(f"audio: {URL}\n{matter}")
    assert (file.length, file.duration) == (length, duration)


def test_what_stands_inside_wins():
    [file] = media_of(f"audio: {{url: {URL}, length: 5, duration: 6}}\nlength: 7\nduration: 8")
    assert (file.length, file.duration) == (5, 6)


def test_what_stands_beside_several_files_is_of_the_first():
    files = media_of(f"audio: [{URL}, /2.ogg]\nvideo: v.mp4\nduration: 1:02:05")
    assert files == [
        Media(url=URL, media_type="audio/mpeg", duration=3725),
        Media(url=f"{BASE}/2.ogg", media_type="audio/ogg"),
        Media(url=f"{BASE}/v.mp4", media_type="video/mp4"),
    ]


def test_the_length_of_a_video_with_a_player_is_its_own():
    frame = "featuredContent: '<iframe src=\"https://www.youtube.com/embed/abcdefghijk\"></iframe>'"
    article = article_of(f"{frame}\naudio: {URL}\nlength: PT2M5S")
    assert article.duration == 125
    article = article_of(f"audio: {URL}\nduration: PT2M5S")
    assert (article.duration, article.media[0].duration) == (None, 125)


@pytest.mark.parametrize("field", ["image", "images", "cover"])
def test_a_film_among_the_pictures_is_none(field):
    article = article_of(f"{field}: {{url: https://a.example/clip.MP4?x=1, alt: A clip}}")
    assert article.images == ()
    url = "https://a.example/clip.MP4?x=1"
    assert article.media == (Media(url=url, media_type="video/mp4", title="A clip"),)


@pytest.mark.parametrize(
    "matter",
    [
        "podcast: true",
        "podcast: The show",
        "episode: 12",
        "episode: 1/12",
        "audio: ~",
        "audio: {title: none}",
        "audio: {url: ''}",
        "video: ''",
        "media: []",
        "media: [12, true]",
    ],
)
def test_what_is_no_file(matter):
    assert article_of(matter).media == ()


@pytest.mark.parametrize(
    ("matter", "code"),
    [
        ("enclosure: {url: https://a.example/1.pdf, type: application/pdf}", "bad-media-type"),
        ("audio: ftp://a.example/1.mp3", "bad-url"),
        (f"audio: {{url: {URL}, duration: soon}}", "bad-duration"),
        ("audio: {url: {a: b}}", "wrong-type"),
        ("enclosure: https://a.example/stream", "no-media-type"),
    ],
)
def test_what_is_wrong_is_said(matter, code):
    assert code in warnings_of(matter)


def test_a_type_that_only_says_the_medium_is_none():
    [file] = media_of("media: {url: https://a.example/stream, type: audio}")
    assert (file.media_type, file.medium) == ("", "")


def test_each_address_counts_once_and_no_more_than_the_limit():
    many = [f"{number}.mp3" for number in range(limits.MAX_MEDIA + 1)]
    matter = f"audio: {json.dumps(many)}"
    article = read_dated(matter).article
    assert article
    assert len(article.media) == limits.MAX_MEDIA
    assert "too-many" in warnings_of(matter)
    assert len(media_of(f"enclosure: {URL}\naudio: {URL}")) == 1


def test_a_file_of_unknown_type_is_in_no_document():
    unknown = replace(NOTHING, media=(Media(url="https://a.example/stream"),))
    assert encode_entry(unknown, CHANNEL) == encode_entry(NOTHING, CHANNEL)


def test_rss_encloses_one_file_and_atom_all():
    feed = subscription(EPISODE)
    assert find("rss", feed, "//enclosure/@url") == [EPISODE.media[0].url]
    known = [file.url for file in EPISODE.media[:2]]
    assert find("atom", feed, "//a:link[@rel='enclosure']/@href") == known


@pytest.mark.parametrize("title", ["", EPISODE.title])
def test_a_link_has_words_that_say_more_than_the_title(title):
    file = Media(url=URL, media_type="audio/mpeg", title=title)
    html = content_of(replace(EPISODE, media=(file,)))
    assert f'<p><a href="{URL}">Listen to the audio</a></p>' in html


def test_a_file_that_the_text_links_to_is_not_linked_again():
    linked = f'<p><a href="{URL}">Here</a></p>'
    file = Media(url=URL, media_type="audio/mpeg")
    assert content_of(replace(EPISODE, media=(file,), content_html=linked)).count(URL) == 1


def content_of(article: Article) -> str:
    html: str = json.loads(encode_entry(article, CHANNEL)["json"])["content_html"]
    return html


def test_types_are_those_that_podcast_directories_list():
    # https://help.apple.com/itc/podcasts_connect/ "RSS feed requirements", and Spotify's.
    assert [media_of(f"audio: {name}")[0].media_type for name in ("a.m4a", "a.mp3")] == [
        "audio/x-m4a",
        "audio/mpeg",
    ]
    assert [media_of(f"video: {name}")[0].media_type for name in ("a.mov", "a.mp4", "a.m4v")] == [
        "video/quicktime",
        "video/mp4",
        "video/x-m4v",
    ]
