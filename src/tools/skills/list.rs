//! The tool `skills_list`. Knows nothing of a skill's text.

use serde_json::{Value, json};

use super::super::{Beside, Call, Tool, ToolError};
use super::find;
use crate::base::mask::mask;

pub(in crate::tools) const TOOL: Tool = Tool {
    name: "skills_list",
    toolset: "skills",
    description: "Lists the skills: instructions for kinds of tasks that the person keeps. Gives name, \
                  description and category of each; read one with skill_view before you begin a task that it \
                  covers.",
    parameters: r#"{
        "type": "object",
        "properties": {
            "category": {"type": "string", "description": "Only the skills of this category."}
        },
        "required": []
    }"#,
    beside: Beside::Anything,
    run,
};

fn run(call: &Call<'_>) -> Result<Value, ToolError> {
    let category = call.args.text("category")?.map(str::trim).filter(|category| !category.is_empty());
    let mut skills = find::unique(&call.desk.home, &call.desk.skill_folders());
    skills.sort_by(|one, other| (&one.category, &one.name).cmp(&(&other.category, &other.name)));
    let mut categories: Vec<String> = skills.iter().map(|skill| skill.category.clone()).collect();
    categories.dedup();
    skills.retain(|skill| category.is_none_or(|category| skill.category.eq_ignore_ascii_case(category)));
    let rows: Vec<Value> = skills
        .iter()
        .map(|skill| {
            json!({
                "name": skill.name,
                "description": mask(&skill.description),
                "category": skill.category,
            })
        })
        .collect();
    let hint = match (rows.is_empty(), category) {
        (false, _) => "Read one with skill_view(name).",
        (true, Some(_)) => "There is no skill of this category.",
        (true, None) => "There are no skills yet.",
    };
    let count = rows.len();
    Ok(json!({
        "success": true,
        "skills": rows,
        "categories": categories,
        "count": count,
        "hint": hint,
    }))
}
