//! What goes with a prompt: images, from a file, as bytes, from the clipboard or drawn from a PDF, which wait
//! in the session; and files, which the prompt names.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::composer::failed;
use crate::gateway::method::{Ctx, Lane, Method, Reply};
use crate::limits::IMAGES_MAX;
use crate::model::attach::{AttachJob, Attached, Clip, FileJob, Image, Page, PageRange, PdfJob, Refused};
use crate::model::job::{Drop, JobResult, JobSpec};
use crate::wire::error::RpcError;
use crate::wire::params::Params;

pub(super) const METHODS: &[Method] = &[
    Method::new("image.attach", Lane::Pool, "Attach an image file to the next prompt.", find),
    Method::new("image.attach_bytes", Lane::Pool, "Attach an image that comes along.", store),
    Method::new("image.detach", Lane::Inline, "Take an image back.", detach),
    Method::new("clipboard.paste", Lane::Pool, "Attach the image in this machine's clipboard.", paste),
    Method::new("pdf.attach", Lane::Pool, "Attach pages of a PDF as images.", draw),
    Method::new("file.attach", Lane::Pool, "Make a file readable for the agent.", place),
];

/// Pixels of a tile's side, and tokens of a tile: how the original estimates what an image costs.
const TILE_PIXELS: u64 = 512;
const TILE_TOKENS: u64 = 85;

fn find(ctx: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    let cwd = cwd_with_room(ctx, params)?;
    let text = required(params, "path")?.to_owned();
    Ok(Reply::Job(JobSpec::Attach(AttachJob::Image { text, cwd }), found))
}

fn found(ctx: &mut Ctx<'_>, params: &Params, result: JobResult) -> Result<Value, RpcError> {
    let attached = ready_or_failed(5027, result)?;
    let Attached::Found { image, remainder } = attached else { return Err(unlike(attached)) };
    let count = add(ctx, params, [&image])?;
    let text = text_of(&image, &remainder);
    let value = json!({
        "attached": true, "path": shown(&image.path), "count": count, "remainder": remainder, "text": text,
    });
    Ok(described(value, &image))
}

fn store(ctx: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    cwd_with_room(ctx, params)?;
    let data = content(params)?;
    if data.trim().is_empty() {
        return Err(RpcError::new(4015, "content_base64 required"));
    }
    let job = AttachJob::ImageBytes {
        data: data.to_owned(),
        filename: params.text_or_empty("filename")?.to_owned(),
        ext: params.text_or_empty("ext")?.to_owned(),
    };
    Ok(Reply::Job(JobSpec::Attach(job), stored))
}

fn stored(ctx: &mut Ctx<'_>, params: &Params, result: JobResult) -> Result<Value, RpcError> {
    let attached = ready_or_failed(5027, result)?;
    let Attached::Stored { image, bytes } = attached else { return Err(unlike(attached)) };
    let count = add(ctx, params, [&image])?;
    let value = json!({
        "attached": true, "path": shown(&image.path), "count": count, "remainder": "",
        "text": text_of(&image, ""), "bytes": bytes,
    });
    Ok(described(value, &image))
}

fn detach(ctx: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    let session = ctx.session(params)?;
    let path = required(params, "path")?;
    let before = session.attached.len();
    session.attached.retain(|image| shown(image) != path);
    let count = session.attached.len();
    Ok(Reply::Now(json!({ "detached": count < before, "count": count })))
}

fn paste(ctx: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    cwd_with_room(ctx, params)?;
    Ok(Reply::Job(JobSpec::Attach(AttachJob::Clipboard), pasted))
}

fn pasted(ctx: &mut Ctx<'_>, params: &Params, result: JobResult) -> Result<Value, RpcError> {
    let attached = ready_or_failed(5027, result)?;
    let Attached::Clipboard(clip) = attached else { return Err(unlike(attached)) };
    let message = match clip {
        Clip::Image(image) => {
            let count = add(ctx, params, [&image])?;
            let value = json!({ "attached": true, "path": shown(&image.path), "count": count });
            return Ok(described(value, &image));
        }
        Clip::Unreadable => "Clipboard has image but extraction failed",
        Clip::Empty => "No image found in clipboard",
    };
    Ok(json!({ "attached": false, "message": message }))
}

/// All but the session is judged by the job: a missing renderer is told before anything else.
fn draw(ctx: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    let job = PdfJob {
        cwd: cwd_with_room(ctx, params)?,
        path: params.text_or_empty("path")?.to_owned(),
        data: content(params)?.to_owned(),
        filename: params.text_or_empty("filename")?.to_owned(),
        pages: pages(params),
    };
    Ok(Reply::Job(JobSpec::Attach(AttachJob::Pdf(job)), drawn))
}

/// `None` when one of them is no number.
fn pages(params: &Params) -> Option<PageRange> {
    let first = params.int("first_page").ok()?.filter(|page| *page != 0).unwrap_or(1);
    Some(PageRange { first, last: params.int("last_page").ok()? })
}

fn drawn(ctx: &mut Ctx<'_>, params: &Params, result: JobResult) -> Result<Value, RpcError> {
    let attached = ready_or_failed(5028, result)?;
    let Attached::Pages { filename, pages } = attached else { return Err(unlike(attached)) };
    let count = add(ctx, params, pages.iter().map(|page| &page.image))?;
    let row = |Page { number, image }: &Page| {
        described(json!({ "path": shown(&image.path), "page": number }), image)
    };
    let rows: Vec<Value> = pages.iter().map(row).collect();
    let text = format!("[User attached PDF: {filename} ({} page(s))]", rows.len());
    Ok(json!({
        "attached": true, "filename": filename, "pages_attached": rows.len(), "pages": rows, "count": count,
        "text": text,
    }))
}

fn place(ctx: &mut Ctx<'_>, params: &Params) -> Result<Reply, RpcError> {
    let workspace = ctx.session(params)?.cwd.clone();
    let (path, data_url) = (params.text_or_empty("path")?, params.text_or_empty("data_url")?);
    if path.trim().is_empty() && data_url.trim().is_empty() {
        return Err(RpcError::new(4015, "path or data_url required"));
    }
    let job = FileJob {
        path: path.to_owned(),
        data_url: data_url.to_owned(),
        name: params.text_or_empty("name")?.to_owned(),
        workspace,
    };
    Ok(Reply::Job(JobSpec::Attach(AttachJob::File(job)), placed))
}

fn placed(_ctx: &mut Ctx<'_>, _params: &Params, result: JobResult) -> Result<Value, RpcError> {
    let attached = ready_or_failed(5028, result)?;
    let Attached::File { path, relative, uploaded } = attached else { return Err(unlike(attached)) };
    Ok(json!({
        "attached": true, "name": name(&path), "path": shown(&path), "ref_path": relative,
        "ref_text": reference(&relative), "uploaded": uploaded,
    }))
}

/// Attaches an image that was dropped on the input line.
pub(super) fn dropped(ctx: &mut Ctx<'_>, params: &Params, drop: Drop) -> Result<Value, RpcError> {
    let image = Image { path: drop.path, size: drop.size };
    let count = add(ctx, params, [&image])?;
    let value = json!({
        "matched": true, "is_image": true, "path": shown(&image.path), "count": count,
        "text": text_of(&image, &drop.remainder),
    });
    Ok(described(value, &image))
}

/// The session's directory, if one more image may wait.
fn cwd_with_room(ctx: &mut Ctx<'_>, params: &Params) -> Result<PathBuf, RpcError> {
    let session = ctx.session(params)?;
    room(session.attached.len(), 1)?;
    Ok(session.cwd.clone())
}

/// Lets images wait for the next prompt: all of them or none. Says how many wait then.
fn add<'a>(
    ctx: &mut Ctx<'_>,
    params: &Params,
    images: impl IntoIterator<Item = &'a Image>,
) -> Result<usize, RpcError> {
    let paths: Vec<PathBuf> = images.into_iter().map(|image| image.path.clone()).collect();
    let session = ctx.session(params)?;
    room(session.attached.len(), paths.len())?;
    session.attached.extend(paths);
    Ok(session.attached.len())
}

fn room(waiting: usize, more: usize) -> Result<(), RpcError> {
    if waiting + more <= IMAGES_MAX {
        return Ok(());
    }
    let text = format!("too many images: {waiting} wait for the next prompt; cap is {IMAGES_MAX}");
    Err(RpcError::new(4018, text))
}

/// What the job made ready.
fn ready_or_failed(code: i32, result: JobResult) -> Result<Attached, RpcError> {
    match result {
        JobResult::Attach(Ok(attached)) => Ok(attached),
        JobResult::Attach(Err(refused)) => Err(match refused {
            Refused::Parameter(text) => RpcError::new(4015, text),
            Refused::Path(text) => RpcError::new(4016, text),
            Refused::Content(text) => RpcError::new(4017, text),
            Refused::Size(text) => RpcError::new(4018, text),
            Refused::Pages(text) => RpcError::new(4019, text),
            Refused::Failed(text) => RpcError::new(code, text),
        }),
        other => Err(failed(code, other)),
    }
}

/// A job made something else ready than it was asked for.
fn unlike(attached: Attached) -> RpcError {
    failed(5027, JobResult::Attach(Ok(attached)))
}

/// A text that is not blank.
fn required<'a>(params: &'a Params, key: &str) -> Result<&'a str, RpcError> {
    let text = params.text_or_empty(key)?;
    if text.trim().is_empty() { Err(RpcError::new(4015, format!("{key} required"))) } else { Ok(text) }
}

/// Bytes in base64, under either of their names.
fn content(params: &Params) -> Result<&str, RpcError> {
    match params.text_or_empty("content_base64")? {
        "" => params.text_or_empty("data"),
        data => Ok(data),
    }
}

/// What stands in the input line for an image.
fn text_of(image: &Image, remainder: &str) -> String {
    match remainder {
        "" => format!("[User attached image: {}]", name(&image.path)),
        remainder => remainder.to_owned(),
    }
}

/// With the name of an image and, where its size is known, what it will cost.
fn described(mut value: Value, image: &Image) -> Value {
    value["name"] = name(&image.path).into();
    if let Some((width, height)) = image.size {
        let tiles = |pixels: u32| u64::from(pixels).div_ceil(TILE_PIXELS).max(1);
        value["width"] = width.into();
        value["height"] = height.into();
        value["token_estimate"] = (tiles(width) * tiles(height) * TILE_TOKENS).into();
    }
    value
}

fn name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// How a prompt names a file. Quoted, in the first quotes that the name itself does not have, when it would
/// end too early otherwise: the original forgets punctuation at the end.
fn reference(relative: &str) -> String {
    let breaks = |c: char| c.is_whitespace() || "()[]{}<>`\"'".contains(c);
    if !relative.contains(breaks) && !relative.ends_with(|c: char| c.is_ascii_punctuation()) {
        return format!("@file:{relative}");
    }
    let quote = ['`', '"', '\''].into_iter().find(|quote| !relative.contains(*quote));
    quote.map_or_else(|| format!("@file:{relative}"), |quote| format!("@file:{quote}{relative}{quote}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_quoted_where_they_would_break() {
        for (relative, want) in [
            ("src/a-b_c.rs", "@file:src/a-b_c.rs"),
            ("a b.txt", "@file:`a b.txt`"),
            ("a(1).txt", "@file:`a(1).txt`"),
            ("a`b", "@file:\"a`b\""),
            ("a`\"b", "@file:'a`\"b'"),
            ("a`\"'b", "@file:a`\"'b"),
            ("really?", "@file:`really?`"),
        ] {
            assert_eq!(reference(relative), want);
        }
    }

    #[test]
    fn an_image_costs_whole_tiles() {
        let cost = |size| described(json!({}), &Image { path: "/w/a.png".into(), size });
        assert_eq!(cost(None), json!({ "name": "a.png" }));
        for (size, tokens) in [((1, 1), 85), ((1024, 600), 340), ((1275, 1650), 1020), ((512, 513), 170)] {
            assert_eq!(cost(Some(size))["token_estimate"], tokens, "{size:?}");
        }
        assert!(cost(Some((u32::MAX, u32::MAX)))["token_estimate"].is_u64());
    }

    #[test]
    fn so_many_images_wait_and_no_more() {
        assert!(room(IMAGES_MAX - 1, 1).is_ok());
        assert_eq!(room(IMAGES_MAX - 1, 2).unwrap_err().code, 4018);
        assert_eq!(room(IMAGES_MAX, 1).unwrap_err().code, 4018);
    }

    #[test]
    fn refusals_have_their_codes() {
        let code = |refused| {
            ready_or_failed(5028, JobResult::Attach(Err(refused))).map_err(|error| error.code).unwrap_err()
        };
        assert_eq!(code(Refused::Parameter(String::new())), 4015);
        assert_eq!(code(Refused::Path(String::new())), 4016);
        assert_eq!(code(Refused::Content(String::new())), 4017);
        assert_eq!(code(Refused::Size(String::new())), 4018);
        assert_eq!(code(Refused::Pages(String::new())), 4019);
        assert_eq!(code(Refused::Failed(String::new())), 5028);
    }
}
